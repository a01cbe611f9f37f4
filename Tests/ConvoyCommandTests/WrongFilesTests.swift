import ConvoyFormats
import ConvoyTensors
import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Every subcommand is given every wrong kind of file wherever it takes one.
@Suite struct WrongFilesTests {
  /// Where a subcommand takes a file: its arguments, with `@` for the path.
  ///
  /// A new subcommand is listed here; one that takes no file has an empty list.
  static let places: [String: [[String]]] = [
    "train": [["--data", "@"], ["--resume", "@"]],
    "evaluate": [["@"]],
    "classify": [
      ["@", "a.pgm"], ["zoo:lenet", "@"], ["zoo:lenet", "a.pgm", "--labels", "@"],
    ],
    "run": [
      ["@", "--input", "a.npy", "--output", "o"],
      ["zoo:lenet", "--input", "@", "--output", "o"],
      ["zoo:lenet", "--weights", "@", "--input", "a.pgm", "--output", "o"],
    ],
    "export": [["@", "o.onnx"], ["zoo:lenet", "o.onnx", "--weights", "@"]],
    "zoo": [["@"]],
    "cost": [["@"], ["@", "--groups", "2"], ["@", "--parallel", "data=2"]],
    "study groups": [["--model", "@", "--output", "s"], ["--data", "@", "--output", "s"]],
    "draw arithmetic": [], "draw volumes": [], "draw connections": [],
    "draw matrix": [["--model", "@", "--layer", "c1", "-o", "o.svg"]],
    "draw network": [["@", "-o", "o.svg"]],
    "draw filters": [["--model", "@", "--layer", "c1", "-o", "o.svg"]],
    "draw correlation": [["--model", "@", "--layer", "c1", "-o", "o.svg"]],
    "draw confusion": [["@", "-o", "o.svg"]],
    "draw history": [["@", "-o", "o.svg"]],
    "draw study": [["@", "-o", "o.svg"]],
    "draw roofline": [["@", "-o", "o.svg"]],
    "bench model": [["@"], ["@", "--direction", "training"]],
    "bench layers": [["@"]],
    "explain": [["@"], ["@", "--passes"]],
  ]

  /// Files that none of the places can use, and what an error may call them.
  static func contents() throws -> [(name: String, bytes: [UInt8])] {
    [
      ("m.onnx", [8, 8, 0x12, 5] + Array("torch".utf8)), ("text.onnx", Array("not one".utf8)),
      ("m.pth", [0x50, 0x4B, 3, 4] + Array("archive/data.pkl".utf8)),
      ("old.pth", [0x80, 2, 0x8A, 0x0A]),
      ("w.safetensors", try Safetensors([("other", Tensor([2, 3]))]).encoded()),
      ("cut.safetensors", [200, 0, 0, 0, 0, 0, 0, 0] + Array("{\"a\":".utf8)),
      ("n.npy", try NumPyArray(Tensor([2, 3, 4])).encoded()),
      ("cut.npy", Array(try NumPyArray(Tensor([2, 3, 4])).encoded().prefix(70))),
      ("model.safetensors.index.json", Array("{\"weight_map\": {}}\n".utf8)),
      ("p.png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Array(repeating: 0, count: 40)),
      ("p.gif", Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0]), ("a.gz", [0x1F, 0x8B, 8, 0, 0, 0]),
      ("empty", []), ("words.txt", Array("Some words,\nand others.\n".utf8)),
      ("lfs.safetensors", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8)),
      ("zeros", Array(repeating: 0, count: 64)), ("noise", [0xFE, 0x01, 0x9C, 0x33, 0xD0, 0x81]),
    ]
  }

  /// The subcommands that have no subcommands, as `--experimental-dump-help` lists them.
  static func leaves(in folder: String) throws -> [String] {
    let run = try CommandRun(["--experimental-dump-help"], in: folder)
    let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    func walk(_ command: [String: Any], _ path: [String]) -> [String] {
      let inner = (command["subcommands"] as? [[String: Any]] ?? []).filter {
        $0["commandName"] as? String != "help"
      }
      guard !inner.isEmpty else { return [path.joined(separator: " ")] }
      return inner.flatMap { walk($0, path + [$0["commandName"] as? String ?? ""]) }
    }
    return walk(try #require(object?["command"] as? [String: Any]), [])
  }

  @Test func everySubcommandIsListed() throws {
    try withFolder { folder in
      let leaves = try Self.leaves(in: folder)
      #expect(leaves.sorted() == Self.places.keys.sorted())
    }
  }

  @Test(arguments: places.keys.sorted())
  func isToldInOneSentence(subcommand: String) throws {
    try withFolder { folder in
      try NumPyArray(Tensor([1, 1, 28, 28])).write(to: "\(folder)/a.npy")
      try Image(width: 2, height: 2, channels: 1, pixels: [0, 1, 2, 3]).write(to: "\(folder)/a.pgm")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/folder", withIntermediateDirectories: true)
      try #require(mkfifo("\(folder)/pipe", 0o600) == 0)
      var names = ["folder", "pipe", "missing", "/dev/zero"]
      for (name, bytes) in try Self.contents() {
        try AtomicFile.write(bytes, to: "\(folder)/\(name)")
        names.append(name)
      }
      for place in try #require(Self.places[subcommand]) {
        for name in names {
          let arguments =
            subcommand.split(separator: " ").map(String.init) + place.map { $0 == "@" ? name : $0 }
          let run = try CommandRun(arguments, in: folder)
          let told: Comment = "\(arguments.joined(separator: " ")): \(run.status) \(run.errors)"
          #expect(run.status == 1 || run.status == 64, told)
          // One line, one sentence, which names the file or what stands for it.
          #expect(run.errors.hasPrefix("convoy: ") && run.errors.hasSuffix(".\n"), told)
          #expect(run.errors.split(separator: "\n").count == 1, told)
          #expect(run.errors.contains(name), told)
        }
      }
    }
  }

  /// What a file holds is told, not what it would mean as another.
  @Test(arguments: [
    (["run", "m.pth", "--input", "a.npy", "--output", "o"], "a zip archive"),
    (
      ["run", "zoo:lenet", "--weights", "m.onnx", "--input", "a.npy", "--output", "o"],
      "an ONNX model"
    ),
    (["run", "zoo:lenet", "--input", "w.safetensors", "--output", "o"], "a safetensors file"),
    (["cost", "model.safetensors.index.json"], "a JSON text"),
    (["evaluate", "p.png"], "a PNG picture"),
    (["bench", "lfs.safetensors"], "a pointer of Git LFS"), (["bench", "empty"], "an empty file"),
  ])
  func isCalledByItsName(arguments: [String], name: String) throws {
    try withFolder { folder in
      for (name, bytes) in try Self.contents() {
        try AtomicFile.write(bytes, to: "\(folder)/\(name)")
      }
      let run = try CommandRun(arguments, in: folder)
      #expect(run.status == 1)
      #expect(run.errors.contains("seems to be \(name)"), "\(run.errors)")
    }
  }
}
