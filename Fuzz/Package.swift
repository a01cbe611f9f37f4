// swift-tools-version: 6.1
import PackageDescription

/// A libFuzzer target of one format: see CONTRIBUTING.md for how to build it, with all that it reads with
/// instrumented.
func fuzzer(_ name: String) -> Target {
  .executableTarget(name: name, dependencies: [.product(name: "Convoy", package: "convoy")])
}

let package = Package(
  name: "convoy-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "convoy", path: "..")],
  targets: [fuzzer("FuzzONNX")]
)
