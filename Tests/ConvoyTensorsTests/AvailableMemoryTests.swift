import Testing

@testable import ConvoyTensors

@Suite struct AvailableMemoryTests {
  @Test func whatNoMachineHasIsRefusedInASentence() {
    let error = #expect(throws: ConvoyError.self) {
      try AvailableMemory.require(1 << 50, for: "The elements of a test")
    }
    #expect(error?.kind == .resource)
    let words = "The elements of a test need 1073741824 MiB of memory, but only "
    #expect(error?.message.hasPrefix(words) == true)
    #expect(error?.message.contains("MiB are left of the ") == true)
  }

  @Test func whatFitsIsNotRefused() throws {
    for byteCount in [0, 1, 1 << 20, 1 << 24] {
      try AvailableMemory.require(byteCount, for: "The elements of a test")
    }
    #expect(AvailableMemory.physicalBytes > 1 << 26)
  }
}
