// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module of the house and, of the same name, its tests.
func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [],
  resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources,
    swiftSettings: settings)
}

func tests(
  of name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// Documentation is built by a plugin, which users of the package need not fetch: see CONTRIBUTING.md.
let documentation: [Package.Dependency] =
  Context.environment["CONVOY_DOCUMENTATION"] == nil
  ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

/// Where pkg-config finds MPI: `mpi` is Debian's name for the implementation chosen there; others are `ompi-c` and
/// `mpich`. Asked only with the trait `MPI`.
let mpi = Context.environment["CONVOY_MPI"] ?? "mpi"

let package = Package(
  name: "convoy",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Convoy", targets: ["Convoy"]),
    .executable(name: "convoy", targets: ["ConvoyCommand"]),
  ],
  traits: [
    .trait(name: "MPI", description: "Training on several machines, connected by MPI.")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ] + documentation,
  targets: [
    module("ConvoyAssembler"),
    module("ConvoyTensors"),
    module("ConvoyGraphs", ["ConvoyTensors"]),
    module("ConvoyTiles", ["ConvoyAssembler", "ConvoyTensors"]),
    module("ConvoyKernels", ["ConvoyAssembler", "ConvoyTensors", "ConvoyTiles"]),
    module(
      "ConvoyCluster",
      [
        "ConvoyKernels", "ConvoyTensors",
        .target(name: "CMPI", condition: .when(traits: ["MPI"])),
      ]),
    .systemLibrary(name: "CMPI", pkgConfig: mpi),
    module(
      "ConvoyEngine", ["ConvoyTensors", "ConvoyGraphs", "ConvoyKernels"]),
    module(
      "ConvoyTraining",
      ["ConvoyTensors", "ConvoyGraphs", "ConvoyEngine", "ConvoyFormats", "ConvoyCluster"]),
    module(
      "ConvoyBenchmarks",
      [
        "ConvoyTensors", "ConvoyGraphs", "ConvoyKernels", "ConvoyEngine", "ConvoyFormats",
        "ConvoyTraining",
      ],
      resources: [.embedInCode("Resources/layers.csv")]),
    module("ConvoyFormats", ["ConvoyTensors", "ConvoyGraphs"]),
    module(
      "ConvoyONNX",
      [
        "ConvoyTensors", "ConvoyGraphs", "ConvoyEngine", "ConvoyFormats",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["Format/onnx.proto"]),
    module("ConvoyZoo", ["ConvoyTensors", "ConvoyGraphs"]),
    module("ConvoyDrawing", ["ConvoyTensors", "ConvoyGraphs"]),
    module(
      "Convoy",
      [
        "ConvoyTensors", "ConvoyGraphs", "ConvoyKernels", "ConvoyEngine", "ConvoyTraining",
        "ConvoyFormats", "ConvoyONNX", "ConvoyZoo", "ConvoyDrawing", "ConvoyCluster",
        "ConvoyBenchmarks",
      ]),
    .executableTarget(
      name: "ConvoyCommand",
      dependencies: [
        "Convoy", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "TrainDigits", dependencies: ["Convoy"], path: "Examples/TrainDigits",
      swiftSettings: settings),

    tests(of: "ConvoyAssembler", ["ConvoyAssembler"], resources: [.copy("Golden")]),
    tests(of: "ConvoyTensors", ["ConvoyTensors"]),
    // With all that every operator must have: kernels, a form in ONNX or none, shares on ranks.
    tests(
      of: "ConvoyGraphs",
      [
        "ConvoyCluster", "ConvoyEngine", "ConvoyGraphs", "ConvoyKernels", "ConvoyONNX",
        "ConvoyTensors", "ConvoyTraining",
      ]),
    tests(of: "ConvoyTiles", ["ConvoyAssembler", "ConvoyKernels", "ConvoyTiles"]),
    tests(
      of: "ConvoyKernels", ["ConvoyAssembler", "ConvoyKernels", "ConvoyTensors", "ConvoyTiles"],
      resources: [.copy("Golden")]),
    tests(of: "ConvoyCluster", ["ConvoyCluster", "ConvoyKernels", "ConvoyTensors"]),
    // What is trained to compare ranks with one process: in that suite, and by the program below.
    .target(
      name: "RankTrainings",
      dependencies: [
        "ConvoyEngine", "ConvoyFormats", "ConvoyGraphs", "ConvoyTensors", "ConvoyTraining",
        "ConvoyZoo",
      ],
      path: "Tests/RankTrainings", swiftSettings: settings),
    // What `mpirun` starts to test exchanges over MPI.
    .executableTarget(
      name: "ClusterCheck",
      dependencies: [
        "ConvoyCluster", "ConvoyEngine", "ConvoyKernels", "ConvoyTensors", "ConvoyTraining",
        "RankTrainings",
      ],
      path: "Tests/ClusterCheck", swiftSettings: settings),
    tests(
      of: "ConvoyEngine", ["ConvoyEngine", "ConvoyGraphs", "ConvoyKernels", "ConvoyTensors"]),
    tests(
      of: "ConvoyTraining",
      [
        "ConvoyTraining", "ConvoyCluster", "ConvoyEngine", "ConvoyFormats", "ConvoyGraphs",
        "ConvoyKernels", "ConvoyTensors", "ConvoyZoo", "CheckpointWriter", "RankTrainings",
      ], resources: [.copy("Golden")]),
    tests(
      of: "ConvoyBenchmarks",
      [
        "ConvoyBenchmarks", "ConvoyCluster", "ConvoyEngine", "ConvoyGraphs", "ConvoyTensors",
        "ConvoyTraining", "RankTrainings",
      ]),
    // Writes checkpoints until it is killed: what a test of interrupted writing kills.
    .executableTarget(
      name: "CheckpointWriter",
      dependencies: ["ConvoyTraining", "ConvoyFormats", "ConvoyGraphs", "ConvoyTensors"],
      path: "Tests/CheckpointWriter", swiftSettings: settings),
    tests(
      of: "ConvoyFormats", ["ConvoyFormats", "ConvoyTensors"], resources: [.copy("Fixtures")]),
    tests(
      of: "ConvoyONNX",
      [
        "ConvoyONNX", "ConvoyEngine", "ConvoyGraphs", "ConvoyTensors", "ConvoyZoo",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      resources: [.copy("Golden")]),
    .testTarget(
      name: "ExamplesTests", dependencies: ["TrainDigits", "ConvoyTraining"],
      swiftSettings: settings),
    .testTarget(
      name: "ConvoyCommandTests",
      dependencies: ["ConvoyCommand", "Convoy", "ConvoyFormats", "ConvoyKernels", "ConvoyTensors"],
      swiftSettings: settings),
    tests(
      of: "ConvoyZoo", ["ConvoyZoo", "ConvoyGraphs", "ConvoyTensors"],
      resources: [.copy("Golden")]),
    tests(
      of: "ConvoyDrawing", ["ConvoyDrawing", "ConvoyGraphs", "ConvoyTensors", "ConvoyZoo"],
      resources: [.copy("Golden")]),
  ]
)
