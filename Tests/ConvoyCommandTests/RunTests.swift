import ConvoyFormats
import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyCommand
import Convoy

/// `convoy run`, as a user would.
@Suite struct RunTests {
  private func write(_ tensor: Tensor, _ name: String, in folder: String) throws {
    try NumPyArray(tensor).write(to: "\(folder)/\(name)")
  }

  private func read(_ name: String, in folder: String) throws -> Tensor {
    try NumPyArray(contentsOf: "\(folder)/\(name)").tensor
  }

  /// A checkpoint of an untrained network for 16×16 colour pictures.
  private func writeCheckpoint(in folder: String) throws -> Model {
    let network = try Network(input: [3, 16, 16]) { image in
      image.convolution(8, kernel: 3, stride: 2, padding: 1).relu()
        .globalAveragePooling().flattened().linear(3)
    }
    let checkpoint = Checkpoint(
      model: network.initialized(seed: 4), classNames: ["a", "b", "c"],
      normalization: Normalization(mean: [0.1, 0.2, 0.3], deviation: [0.5, 0.6, 0.7]))
    try checkpoint.write(to: "\(folder)/net.safetensors")
    return checkpoint.model
  }

  // MARK: Arrays

  @Test func runsACheckpointOnArraysOfAnyBatch() throws {
    try withFolder { folder in
      let model = try writeCheckpoint(in: folder)
      var random = Random(seed: 1)
      for batch in [1, 5] {
        let images = Tensor(normal: [batch, 3, 16, 16], using: &random)
        try write(images, "x.npy", in: folder)
        let run = try CommandRun(
          ["run", "net.safetensors", "--input", "x.npy", "--output", "deep/out", "--threads", "2"],
          in: folder)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.hasPrefix("scores  \(batch)×3  deep/out/scores.npy\n"))
        // The three classes have names, and are ranked for each image.
        #expect(run.lines.count == (batch == 1 ? 4 : 1 + 5 * 4))
        #expect(run.errors.isEmpty)
        #expect(
          try read("deep/out/scores.npy", in: folder) == model.compiled(batch: batch)(images))
      }
    }
  }

  /// A network without a linear layer on flattened maps takes other sizes too.
  @Test func runsAtOtherSizes() throws {
    try withFolder { folder in
      _ = try writeCheckpoint(in: folder)
      try write(Tensor([2, 3, 9, 21], repeating: 0.5), "x.npy", in: folder)
      let run = try CommandRun(
        ["run", "net.safetensors", "--input", "image=x.npy", "--output", ".", "--json"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(try run.lastObject()["shape"] as? [Int] == [2, 3])
    }
  }

  @Test func runsANetworkOfTheZoo() throws {
    try withFolder { folder in
      try write(Tensor([1, 1, 8, 8], repeating: 0.25), "x.npy", in: folder)
      let untrained = try CommandRun(
        ["run", "zoo:alexnet-small", "--input", "x.npy", "--output", "a"], in: folder)
      #expect(untrained.status == 0, "\(untrained.errors)")
      #expect(
        untrained.errors
          == "convoy: zoo:alexnet-small comes untrained: its parameters were drawn with seed 1; "
          + "--weights FILE.safetensors gives it others.\n")

      // The same parameters from a file, with a counter that PyTorch would have put beside them.
      let model = try Zoo.network("alexnet-small").initialized(seed: 1)
      var weights = try Safetensors(model.parameters.sorted { $0.key < $1.key }.map { ($0, $1) })
      try weights.append(Tensor([]), named: "norm.num_batches_tracked")
      try weights.write(to: "\(folder)/w.safetensors")
      let weighted = try CommandRun(
        [
          "run", "zoo:alexnet-small", "--weights", "w.safetensors", "--input", "x.npy",
          "--output", "b",
        ], in: folder)
      #expect(weighted.status == 0, "\(weighted.errors)")
      #expect(weighted.errors.isEmpty)
      #expect(try read("a/scores.npy", in: folder) == read("b/scores.npy", in: folder))
    }
  }

  // MARK: Pictures

  @Test func picturesAreBroughtToTheModel() throws {
    try withFolder { folder in
      let model = try writeCheckpoint(in: folder)
      let plan = try model.compiled()
      let picture = try Image(
        width: 40, height: 24, channels: 1,
        pixels: (0..<960).map { UInt8(truncatingIfNeeded: $0 * 7) })
      try picture.write(to: "\(folder)/p=1.png")

      func scores(_ options: [String]) throws -> Tensor {
        let run = try CommandRun(
          ["run", "net.safetensors", "--input", "p=1.png", "--output", "out"] + options, in: folder)
        #expect(run.status == 0, "\(run.errors)")
        return try read("out/scores.npy", in: folder)
      }
      func expected(_ image: Image, mean: [Float], deviation: [Float]) throws -> Tensor {
        try plan(
          image.converted(toChannels: 3).tensor(mean: mean, deviation: deviation)
            .reshaped(to: [1, 3, 16, 16]))
      }
      // As the checkpoint says, then as the options say.
      #expect(
        try scores([])
          == expected(
            picture.fitted(width: 16, height: 16), mean: [0.1, 0.2, 0.3],
            deviation: [0.5, 0.6, 0.7]
          ))
      #expect(
        try scores(["--mean", "0.5", "--std", "1,2,4", "--size", "20"])
          == expected(
            picture.resized(shorterSide: 20).centerCropped(width: 16, height: 16),
            mean: [0.5, 0.5, 0.5], deviation: [1, 2, 4]))
    }
  }

  // MARK: Refusals

  @Test(
    arguments: [
      (["nothing", "--input", "x.npy"], 1, "There is no model at nothing; expected a folder"),
      (["alexnet-small?groups=1", "--input", "x.npy"], 64, "zoo:alexnet-small?groups=1, which is"),
      (["zoo:nothing", "--input", "x.npy"], 64, "The zoo has no network ‘nothing’"),
      (["net.safetensors"], 64, "--input"),
      (["net.safetensors", "--input", "nowhere.npy"], 1, "nowhere.npy"),
      (["net.safetensors", "--input", "junk"], 1, "junk should be a .npy file or a picture"),
      (["net.safetensors", "--input", "cut.npy"], 1, "‘cut.npy’ is not a .npy file"),
      (["net.safetensors", "--input", "flat.npy"], 1, "has shape 1×3×16×16, or that with another"),
      (["net.safetensors", "--input", "grey.npy"], 1, "has 1×1×16×16"),
      (
        ["net.safetensors", "--input", "picture=x.npy"], 64,
        "The model takes the input ‘image’, got ‘picture’"
      ),
      (
        ["net.safetensors", "--input", "x.npy", "--input", "image=x.npy"], 64,
        "‘image’ should be given once"
      ),
      (
        ["net.safetensors", "--weights", "net.safetensors", "--input", "x.npy"], 64,
        "can be put into a network of the zoo only"
      ),
      (
        ["zoo:lenet", "--weights", "net.safetensors", "--input", "x.npy"], 1,
        "The weights should hold c1.weight of shape 6×1×5×5"
      ),
      (["zoo:lenet", "--input", "x.npy"], 1, "has shape 1×1×28×28"),
      (["net.safetensors", "--input", "x.npy", "--std", "0"], 64, "--std"),
      (["net.safetensors", "--input", "x.npy", "--mean", "a"], 64, "--mean"),
      (["net.safetensors", "--input", "p.pgm", "--mean", "1,2"], 64, "1 number or 3"),
      (["net.safetensors", "--input", "p.pgm", "--size", "8"], 1, "cannot be cropped to 16×16"),
      (["net.safetensors", "--input", "x.npy", "--threads", "0"], 64, "--threads"),
    ])
  func refusesInOneSentence(arguments: [String], status: Int32, words: String) throws {
    try withFolder { folder in
      _ = try writeCheckpoint(in: folder)
      let array = Tensor([1, 3, 16, 16])
      try write(array, "x.npy", in: folder)
      try write(Tensor([3, 16, 16]), "flat.npy", in: folder)
      try write(Tensor([1, 1, 16, 16]), "grey.npy", in: folder)
      try AtomicFile.write(Array(NumPyArray(array).encoded().dropLast()), to: "\(folder)/cut.npy")
      try AtomicFile.write("junk", to: "\(folder)/junk")
      try Image(width: 16, height: 16, channels: 1, pixels: Array(repeating: 9, count: 256))
        .write(to: "\(folder)/p.pgm")
      let before = try FileManager.default.contentsOfDirectory(atPath: folder)
      let run = try CommandRun(["run"] + arguments + ["--output", "out"], in: folder)
      #expect(run.status == status, "\(run.errors)")
      #expect(run.errors.contains(words), "\(run.errors)")
      #expect(run.output.isEmpty)
      let after = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(Set(after) == Set(before + [".stdout", ".stderr"]))
    }
  }

  @Test func aPlaceThatIsNoFolderIsRefused() throws {
    try withFolder { folder in
      _ = try writeCheckpoint(in: folder)
      try write(Tensor([1, 3, 16, 16]), "x.npy", in: folder)
      let run = try CommandRun(
        ["run", "net.safetensors", "--input", "x.npy", "--output", "x.npy/out"], in: folder)
      #expect(run.status == 1)
      #expect(run.errors.contains("The folder x.npy/out cannot be made"), "\(run.errors)")
    }
  }
}

/// Parts of `convoy run` that no model in a file shows yet: several inputs and outputs.
@Suite struct RunPartsTests {
  private func source() throws -> ModelSource {
    let builder = GraphBuilder()
    let a = builder.input("a", [1, 4])
    let b = builder.input("b/0", [1, 4])
    builder.output("sum", a + b)
    builder.output("grün/ä:0", a - b)
    return ModelSource(model: Network(try builder.finish()).initialized(seed: 1))
  }

  @Test func inputsAreMatchedByName() throws {
    try withFolder { folder in
      let paths = ["a", "b"].map { "\(folder)/\($0)=.npy" }
      for (index, path) in paths.enumerated() {
        try NumPyArray(Tensor([2, 4], repeating: Float(index + 1))).write(to: path)
      }
      let inputs = ModelInputs(try source(), pictures: PictureOptions())
      let read = try inputs.read(["b/0=\(paths[1])", "a=\(paths[0])"])
      #expect(
        read == ["a": Tensor([2, 4], repeating: 1), "b/0": Tensor([2, 4], repeating: 2)])

      func expectRefusal(_ arguments: [String], _ message: String) {
        #expect(throws: ConvoyError(.argument, message)) { try inputs.read(arguments) }
      }
      expectRefusal(
        ["a=\(paths[0])"],
        "The model takes the inputs ‘a’, ‘b/0’; expected --input b/0=FILE too, got none.")
      expectRefusal(
        ["x.npy"], "The model takes the inputs ‘a’, ‘b/0’; expected --input NAME=FILE, got x.npy.")
      expectRefusal(
        ["c=x.npy"], "The model takes the inputs ‘a’, ‘b/0’, got ‘c’ in --input c=x.npy.")
    }
  }

  @Test func outputsHaveFilesOfTheirOwn() throws {
    let names = try OutputNames(source().outputs)
    #expect(names.files.map(\.name) == ["sum", "grün/ä:0"])
    #expect(names.files.map(\.file) == ["sum.npy", "gr_n___0.npy"])
    #expect(OutputNames.fileName("a_B-9.z~/") == "a_B-9.z__.npy")

    let builder = GraphBuilder()
    let x = builder.input("x", [1])
    builder.output("y:0", x)
    builder.output("y/0", x.relu())
    let graph = try builder.finish()
    #expect(
      throws: ConvoyError(
        .argument,
        "Each output needs a file of its own, but ‘y:0’ and ‘y/0’ would both be y_0.npy.")
    ) { try OutputNames(graph.outputs.map(\.name)) }
  }
}
