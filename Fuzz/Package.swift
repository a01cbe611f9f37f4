// swift-tools-version: 6.1
import PackageDescription

let fuzzing = ["-sanitize=fuzzer,address", "-parse-as-library"]

/// A libFuzzer target of one format: see CONTRIBUTING.md.
func fuzzer(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: [.product(name: "Convoy", package: "convoy")],
    swiftSettings: [.unsafeFlags(fuzzing)],
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])])
}

let package = Package(
  name: "convoy-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "convoy", path: "..")],
  targets: [fuzzer("FuzzONNX")]
)
