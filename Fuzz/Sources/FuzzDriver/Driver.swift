import Foundation

/// libFuzzer's own main program, which the package manager's stands in the way of.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argumentCount: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What is tried with each input: a C function cannot capture it.
nonisolated(unsafe) private var test: ([UInt8]) -> Void = { _ in }

/// The symbol that libFuzzer is linked against.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  test(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// Runs libFuzzer with the command line's arguments; or, where these are `seeds` and a folder, writes the
/// inputs to begin with there.
///
/// - Parameters:
///   - seeds: good inputs, by the names their files get.
///   - body: what is tried with each input; an error is fine, a crash is not.
public func fuzz(
  seeds: () throws -> [String: [UInt8]], _ body: @escaping ([UInt8]) -> Void
) throws {
  let words = CommandLine.arguments
  if words.count == 3, words[1] == "seeds" {
    for (name, bytes) in try seeds() {
      try Data(bytes).write(to: URL(fileURLWithPath: words[2]).appendingPathComponent(name))
    }
    return
  }
  test = body
  var argumentCount = CommandLine.argc
  var arguments = CommandLine.unsafeArgv
  _ = runDriver(&argumentCount, &arguments, testOneInput)
}

/// The files of a folder of this repository whose names end in some way, by name.
public func files(in folder: String, ending: String) throws -> [String: [UInt8]] {
  var root = URL(fileURLWithPath: #filePath)
  for _ in 0..<4 { root.deleteLastPathComponent() }
  let place = root.appendingPathComponent(folder)
  let names = try FileManager.default.contentsOfDirectory(atPath: place.path)
    .filter { $0.hasSuffix(ending) }
  return Dictionary(
    uniqueKeysWithValues: try names.map {
      ($0, Array(try Data(contentsOf: place.appendingPathComponent($0))))
    })
}
