// swift-tools-version: 6.1
import PackageDescription

/// Convoy, which is what is fuzzed.
let convoy = Target.Dependency.product(name: "Convoy", package: "convoy")

/// A libFuzzer target of one format: see CONTRIBUTING.md for how to build it, with all that it reads with
/// instrumented.
func fuzzer(_ name: String, _ others: Target.Dependency...) -> Target {
  .executableTarget(name: name, dependencies: ["FuzzDriver", convoy] + others)
}

let package = Package(
  name: "convoy-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "convoy", path: "..")],
  targets: [
    .target(name: "FuzzDriver", dependencies: [convoy]),
    .target(name: "FuzzProtobuf"),
    fuzzer("FuzzONNX", "FuzzProtobuf"),
    fuzzer("FuzzONNXFile", "FuzzProtobuf"),
    fuzzer("FuzzNumPy"),
    fuzzer("FuzzSafetensors"),
    fuzzer("FuzzDataFiles"),
  ]
)
