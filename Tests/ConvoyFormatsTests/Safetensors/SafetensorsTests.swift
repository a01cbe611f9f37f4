import ConvoyFormats
import ConvoyTensors
import Testing

@Suite struct SafetensorsTests {
  /// A file of a header and some bytes of data.
  static func file(_ header: String, data: [UInt8] = []) -> [UInt8] {
    let header = Array(header.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
  }

  static func sample() throws -> Safetensors {
    var random = Random(seed: 1)
    return try Safetensors(
      [
        ("stem.weight", Tensor(normal: [4, 3, 2, 2], using: &random)),
        ("stem.\"odd\"\n\\name ☂", Tensor(normal: [5], using: &random)),
        ("temperature", Tensor([], repeating: 0.5)),
      ],
      metadata: ["format": "convoy", "note": "tab\t, quote \", bell \u{7}, π"])
  }

  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryFolder { folder in
      let sample = try Self.sample()
      try sample.write(to: folder + "/a.safetensors")
      let read = try Safetensors(contentsOf: folder + "/a.safetensors")
      #expect(read == sample)
      #expect(read["temperature"]?.shape == [])
      #expect(read["nothing"] == nil)
      #expect(try WholeFile.read(folder + "/a.safetensors") == sample.encoded())
      try Safetensors().write(to: folder + "/a.safetensors")
      #expect(try Safetensors(contentsOf: folder + "/a.safetensors") == Safetensors())
    }
  }

  @Test func everyBitOfAFloatIsKept() throws {
    let patterns: [UInt32] = [0, 0x8000_0000, 1, 0x7F80_0000, 0x7FC0_1234, 0x3F80_0001]
    let tensor = try Tensor([6], patterns.map(Float.init(bitPattern:)))
    let read = try Safetensors(parsing: try Safetensors([("a", tensor)]).encoded())
    #expect(read["a"]?.elements.map(\.bitPattern) == patterns)
  }

  /// Byte for byte what the format's own description asks for.
  @Test func theBytesAreTheFormats() throws {
    let bytes = try Safetensors(
      [("a", try Tensor([1, 2], [1, -2]))], metadata: ["k": "v"]
    ).encoded()
    let header =
      #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}} "#
    let padded = header + String(repeating: " ", count: 6)
    #expect(bytes == Self.file(padded, data: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]))
  }

  @Test(
    arguments: [
      ("BOOL", [0, 1], [0, 1]),
      ("U8", [0, 255], [0, 255]),
      ("I8", [0x80, 0x7F], [-128, 127]),
      ("U16", [0xFF, 0xFF, 1, 0], [65535, 1]),
      ("I16", [0xFF, 0xFF, 1, 0], [-1, 1]),
      ("F16", [0x00, 0x3C, 0x01, 0x80, 0xFF, 0x7B, 0x00, 0xFC], [1, -0x1p-24, 65504, -.infinity]),
      ("BF16", [0x80, 0x3F, 0x49, 0xC0], [1, -3.140625]),
      ("U32", [0, 0, 0, 0x80], [0x1p31]),
      ("I32", [0xFE, 0xFF, 0xFF, 0xFF], [-2]),
      ("F32", [0, 0, 0xC0, 0x3F], [1.5]),
      ("U64", [0, 0, 0, 0, 0, 0, 0, 0x80], [0x1p63]),
      ("I64", [0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [-3]),
      ("F64", [0, 0, 0, 0, 0, 0, 0xF8, 0xBF], [-1.5]),
    ] as [(String, [UInt8], [Float])])
  func typesAreKept(type: String, data: [UInt8], values: [Float]) throws {
    let bytes = Self.file(
      #"{"a":{"dtype":"\#(type)","shape":[\#(values.count)],"data_offsets":[0,\#(data.count)]}}"#,
      data: data)
    let tensor = try #require(try Safetensors(parsing: bytes)["a"])
    #expect(tensor.converted(to: .float32).elements == values)
    #expect(try Safetensors([("a", tensor)]).encoded().suffix(data.count) == data)
    let again = try Safetensors(parsing: try Safetensors([("a", tensor)]).encoded())
    #expect(again["a"] == tensor)
  }

  @Test func tensorsComeInTheOrderOfTheirData() throws {
    let bytes = Self.file(
      """
       { "b" : {"shape":[1],"data_offsets":[1,2],"dtype":"U8"} ,\n
       "\\u0061\\uD83D\\uDE00\\/":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}
      """, data: [7, 9])
    let read = try Safetensors(parsing: bytes)
    #expect(read.entries.map(\.name) == ["a😀/", "b"])
    #expect(try read.entries.map { try $0.tensor.elements(as: UInt8.self) } == [[7], [9]])
  }

  @Test(arguments: [
    ("", "‘{’"),
    ("[]", "‘{’"),
    ("{", "‘\"’"),
    ("{}x", "nothing but spaces"),
    (#"{"a":{}}"#, "needs a dtype"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, "‘}’"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "takes 8 bytes"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, "takes 4 bytes"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, "two data_offsets"),
    (#"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#, "at least 1"),
    (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "a count"),
    (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, "‘]’"),
    (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, "2⁶³"),
    (
      #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
      "4294967296×4294967296"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#,
      "4398046511104"
    ),
    (#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#, "begin at 0"),
    (#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, "take 3 bytes, but 4"),
    (#"{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}"#, "BF16"),
    (#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "two entries"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, "‘x’"),
    (#"{"__metadata__":{"a":1}}"#, "‘\"’"),
    (#"{"__metadata__":{"a":"b","a":"c"}}"#, "twice"),
    (#"{"__metadata__":{},"__metadata__":{}}"#, "twice"),
    (#"{"a\x":{}}"#, "an escape of JSON"),
    (#"{"\uD800":{}}"#, "Unicode"),
    (#"{"\u12G4":{}}"#, "hexadecimal"),
    ("{\"a\nb\":{}}", "control character"),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#, "begin at 2"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, "‘a’ twice"
    ),
  ])
  func whatTheFormatForbidsIsRefused(header: String, words: String) {
    expectSentence(.format, words) {
      _ = try Safetensors(parsing: Self.file(header, data: [1, 2, 3, 4]))
    }
  }

  @Test func aHeaderLongerThanTheFileIsRefused() {
    for length in [3, UInt64(Int64.max), .max] {
      let words = length == 3 ? "3" : "at most 100000000"
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + [0x7B, 0x7D]
      expectSentence(.format, words) { _ = try Safetensors(parsing: bytes) }
    }
  }

  @Test func deepNestingDoesNotExhaustTheStack() {
    let deep = String(repeating: "[", count: 1_000_000)
    expectSentence(.format, "header") { _ = try Safetensors(parsing: Self.file(deep)) }
    expectSentence(.format, "header") {
      _ = try Safetensors(parsing: Self.file(#"{"a":{"shape":"# + deep))
    }
  }

  @Test func damageIsRefusedOrHarmless() throws {
    let valid = try Self.sample().encoded()
    for length in valid.indices {
      expectSentence(.format) { _ = try Safetensors(parsing: Array(valid[..<length])) }
    }
    let refused = mutate(valid, times: 3000, seed: 7) { _ = try Safetensors(parsing: $0) }
    #expect(refused > 1500)
  }

  @Test func namesAreUniqueAndKnown() throws {
    var sample = try Self.sample()
    expectSentence(.argument, "temperature", "twice") {
      try sample.append(Tensor([1]), named: "temperature")
    }
    #expect(sample == (try Self.sample()))
    expectSentence(.argument, "__metadata__") {
      try sample.append(Tensor([1]), named: "__metadata__")
    }
    expectSentence(.format, "head.bias", "stem.weight") {
      _ = try sample.tensor(named: "head.bias")
    }
  }

  @Test func errorsNameTheFile() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write("not one", to: folder + "/a.safetensors")
      expectSentence(.format, "a.safetensors", "seems to be a text") {
        _ = try Safetensors(contentsOf: folder + "/a.safetensors")
      }
    }
  }
}
