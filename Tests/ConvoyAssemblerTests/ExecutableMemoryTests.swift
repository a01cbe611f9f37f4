import Foundation
import Testing

@testable import ConvoyAssembler

@Suite struct ExecutableMemoryTests {
  @Test func holdsFunctionsAtMultiplesOf64() throws {
    let codes = [1, 63, 64, 65, 5000].map { size in
      let a = Assembler()
      a.nop(bytes: size)
      return a.finish("\(size) bytes")
    }
    let memory = try ExecutableMemory(codes)
    withExtendedLifetime(memory) {
      for (index, code) in codes.enumerated() {
        let address = memory.address(of: index)
        #expect(Int(bitPattern: address) % 64 == 0)
        let bytes = UnsafeRawBufferPointer(start: address, count: code.bytes.count)
        #expect(Array(bytes) == code.bytes)
      }
      #expect(memory.size % Int(getpagesize()) == 0)
    }
  }

  #if os(Linux)
    /// The permissions of the mapping that an address lies in, as in `r-xp`.
    private func permissions(at address: UInt) -> String? {
      for line in linesOfKernelFile("/proc/self/maps") {
        let words = line.split(separator: " ")
        let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        if (ends[0]..<ends[1]).contains(address) { return String(words[1]) }
      }
      return nil
    }

    @Test func isNotWritable() throws {
      let a = Assembler()
      a.ret()
      let memory = try ExecutableMemory([a.finish("nothing")])
      let found = withExtendedLifetime(memory) {
        permissions(at: UInt(bitPattern: memory.address()))
      }
      #expect(found == "r-xp")
    }

    #if compiler(>=6.2) && canImport(Glibc)
      @Test func refusedMemoryIsAnError() async {
        await #expect(processExitsWith: .exitCode(7)) {
          let a = Assembler()
          a.nop(bytes: 1 << 20)
          let code = [a.finish("large")]
          var none = rlimit(rlim_cur: 0, rlim_max: 0)
          setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &none)
          do {
            _ = try ExecutableMemory(code)
          } catch {
            // `exit` would run handlers, which may want memory.
            let beginning = "The system refused 1048576 bytes for code: "
            _exit("\(error)".hasPrefix(beginning) ? 7 : 1)
          }
        }
      }
    #endif
  #endif

  @Test func profilersAreToldNames() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("convoy-perf-\(UUID().uuidString).map")
    defer { try? FileManager.default.removeItem(at: file) }
    let functions = ["first", "second one"].map { name in
      let a = Assembler()
      a.nop(bytes: 18)
      return a.finish(name)
    }
    let map = PerfMap(path: file.path)
    map.append([functions[0]], at: [0x7F00_1000])
    map.append([functions[1]], at: [0x7F00_1040])
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text == "7f001000 12 first\n7f001040 12 second one\n")
  }
}
