import ConvoyFormats
import ConvoyTensors
import Foundation
import Testing

@Suite struct NumPyArrayTests {
  private func path(_ name: String) throws -> String {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/npy/\(name).npy").path
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path(name))))
  }

  private func tensor(_ name: String) throws -> Tensor {
    try NumPyArray(contentsOf: path(name)).tensor
  }

  // MARK: What NumPy wrote

  static let types =
    ["i1", "u1"]
    + ["i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"].flatMap {
      ["\($0)-little", "\($0)-big"]
    }

  @Test(arguments: types) func everyType(name: String) throws {
    let last: Float = ["i1", "u1", "u2", "u4", "u8"].contains(name.prefix(2)) ? 100 : -100
    let second: Float = name.hasPrefix("f") ? 0.5 : 1
    let read = try tensor(name)
    let sort: [Character: String] = ["i": "int", "u": "uint", "f": "float"]
    let bits = 8 * (Int(String(name.dropFirst().prefix(1))) ?? 0)
    #expect(read.type.rawValue == "\(sort[name.first ?? " "] ?? "")\(bits)")
    #expect(
      try read.converted(to: .float32) == Tensor([2, 3], [0, second, 2, 3, 4, last]))
  }

  @Test func truthValues() throws {
    #expect(
      try tensor("b1") == Tensor([2, 3], elements: [false, false, true, true, true, true]))
  }

  @Test func fortransOrder() throws {
    #expect(
      try tensor("fortran").converted(to: .float32) == Tensor([2, 3, 4], (0..<24).map(Float.init)))
  }

  @Test func shapesOfFewDimensions() throws {
    #expect(try tensor("scalar") == Tensor([], [2.5]))
    #expect(try tensor("line") == Tensor([5], [0, 1, 2, 3, 4]))
  }

  @Test(arguments: ["version2", "version3"]) func laterVersions(name: String) throws {
    #expect(
      try tensor(name).converted(to: .float32) == Tensor([1, 6], (0..<6).map(Float.init)))
  }

  @Test func numbersThatAreNone() throws {
    let elements = try tensor("special").elements
    #expect(elements[0].isNaN)
    #expect(
      elements.dropFirst().map(\.bitPattern)
        == [.infinity, -.infinity, -0.0, Float.leastNonzeroMagnitude].map(\.bitPattern))
  }

  // MARK: Writing

  /// As NumPy writes them, byte for byte.
  @Test(
    arguments: ["line", "scalar", "special", "b1"] + types.filter { !$0.hasSuffix("big") })
  func writesWhatNumPyWrites(name: String) throws {
    let array = NumPyArray(try tensor(name))
    let encoded = try array.encoded()
    #expect(encoded == (try bytes(name)))
  }

  @Test func whatIsWrittenIsRead() throws {
    var random = Random(seed: 1)
    for shape in [[], [1], [7], [3, 1, 4], [2, 3, 4, 5, 6]] as [Shape] {
      let tensor = Tensor(normal: shape, using: &random)
      try withTemporaryFolder { folder in
        let path = "\(folder)/x.npy"
        try NumPyArray(tensor).write(to: path)
        #expect(try NumPyArray(contentsOf: path).tensor == tensor)
        #expect(try names(in: folder) == ["x.npy"])
      }
    }
    // The longest header of rank 32 still begins its data at a multiple of 64.
    let deep = Tensor(Shape(Array(repeating: 1, count: 40)))
    #expect(try (NumPyArray(deep).encoded().count - 4) % 64 == 0)
    #expect(try NumPyArray(parsing: NumPyArray(deep).encoded()).tensor == deep)
  }

  // MARK: What is no such file

  @Test(arguments: [
    ("empty", "its shape is one Convoy cannot hold"), ("complex", "its descr is ‘<c8’"),
    ("record", "text in quotes is expected at byte 10 of its header"),
  ])
  func whatConvoyCannotHold(name: String, reason: String) throws {
    expectSentence(.format, "\(name).npy’ is not a .npy file that can be read: \(reason)") {
      _ = try tensor(name)
    }
  }

  /// A file of a header and some bytes.
  private func file(_ header: String, data: Int, version: UInt8 = 1) -> [UInt8] {
    let length = header.utf8.count
    let size = version == 1 ? 2 : 4
    return [0x93] + Array("NUMPY".utf8) + [version, 0]
      + (0..<size).map { UInt8(length >> (8 * $0) & 0xFF) } + Array(header.utf8)
      + Array(repeating: 0, count: data)
  }

  @Test func headersOfOtherWriters() throws {
    for header in [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
      "{\"shape\":(2 , ),\"fortran_order\":False,\"descr\":\"=f4\"}\n",
      "{'descr': '<f4', 'fortran_order': True, 'shape': (2L,)}",
    ] {
      #expect(try NumPyArray(parsing: file(header, data: 8)).tensor == Tensor([2]))
    }
  }

  @Test(arguments: [
    ("{}", "its header needs a descr, a fortran_order and a shape"),
    ("{'descr': '<f4', 'fortran_order': False}", "its header needs"),
    ("{'descr': '<f4', 'descr': '<f4'}", "its header names ‘descr’ twice"),
    ("{'kind': 1}", "its header has an entry ‘kind’ that the format does not know"),
    ("{'fortran_order': true}", "True or False is expected at byte 18"),
    ("{'shape': (-1,)}", "a count below 2⁶³ is expected at byte 11"),
    ("{'shape': (99999999999999999999,)}", "a count below 2⁶³ is expected"),
    ("{'shape': (1 2)}", "‘)’ is expected at byte 13"),
    ("{'shape", "the end of a text in quotes is expected"),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
      "its shape is one Convoy cannot hold"
    ),
    (
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,)}",
      "its elements of shape 1099511627776 take 8796093022208 bytes, but 8 follow the header"
    ),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "take 4 bytes, but 8 follow"),
    ("{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", "its descr is ‘|f4’"),
    ("{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}", "its descr is ‘f4’"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "the header's end is expected"),
  ])
  func damagedHeaders(header: String, reason: String) {
    expectSentence(.format, "These bytes are not a .npy file that can be read: ", reason) {
      _ = try NumPyArray(parsing: file(header, data: 8))
    }
  }

  @Test func otherBeginnings() throws {
    let valid = try bytes("line")
    func expectRefusal(_ bytes: [UInt8], _ reason: String) {
      expectSentence(.format, reason) { _ = try NumPyArray(parsing: bytes) }
    }
    expectRefusal([0xFE, 0xFF], "it should begin with the bytes 93 4E 55 4D 50 59")
    expectRefusal([], "it seems to be an empty file")
    expectRefusal(Array("PK\u{3}\u{4}".utf8), "it seems to be a zip archive")
    expectRefusal(Array(valid[..<9]), "it ends before them")
    expectRefusal(valid.replacing(at: 6, with: 4), "version 1.0, 2.0 or 3.0 is expected, got 4.0")
    expectRefusal(valid.replacing(at: 9, with: 0xFF), "only 138 follow")
    let second = file("{}", data: 0, version: 2)
    expectRefusal(Array(second[..<11]), "it ends before it")
    expectRefusal(second.replacing(at: 11, with: 0xFF), "its header should have")
  }

  @Test(arguments: ["i1", "f2-big", "f4-little", "fortran", "version2", "scalar"])
  func damagedFilesAreRefusedOrSound(name: String) throws {
    let valid = try bytes(name)
    let refused = mutate(valid, times: 2000, seed: 7) { bytes in
      let tensor = try NumPyArray(parsing: bytes).tensor
      // No more elements than bytes.
      #expect(tensor.byteCount <= bytes.count)
    }
    #expect(refused > 500)
    for count in 0..<valid.count {
      #expect(throws: ConvoyError.self) { try NumPyArray(parsing: Array(valid[..<count])) }
    }
  }

  @Test func missingFilesAreTold() {
    expectSentence(.file, "nowhere.npy") { _ = try NumPyArray(contentsOf: "/nowhere.npy") }
  }
}

extension [UInt8] {
  fileprivate func replacing(at index: Int, with byte: UInt8) -> [UInt8] {
    var copy = self
    copy[index] = byte
    return copy
  }
}
