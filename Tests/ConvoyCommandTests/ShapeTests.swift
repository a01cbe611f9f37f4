import ConvoyFormats
import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyCommand
import Convoy

/// The shapes of a model's inputs, as commands are told them.
@Suite struct ShapeTests {
  @Test func shapesAreParsed() throws {
    for (text, name, extents): (String, String?, [Int]) in [
      ("1x3x480x640", nil, [1, 3, 480, 640]), ("image=1×3", "image", [1, 3]),
      ("a=b=7", "a=b", [7]),
    ] {
      let shape = try #require(ShapeText(argument: text))
      #expect(shape.name == name && shape.extents == extents, "\(text)")
    }
    for text in ["", "x", "1x", "1x0", "1x-3", "=1x3", "a=", "1,3"] {
      #expect(ShapeText(argument: text) == nil, "\(text)")
    }
  }

  /// A file whose batch is open, with every command that takes a model.
  @Test func openBatches() throws {
    try withFolder { folder in
      let export = try CommandRun(["export", "zoo:lenet", "net.onnx"], in: folder)
      #expect(export.status == 0, "\(export.errors)")
      let commands = [
        ["cost", "net.onnx"], ["bench", "net.onnx"], ["explain", "net.onnx"],
        ["draw", "network", "net.onnx", "-o", "net.svg"], ["export", "net.onnx", "again.onnx"],
      ]
      for command in commands {
        let refused = try CommandRun(command, in: folder)
        #expect(refused.status == 64, "\(command)")
        #expect(refused.errors.contains("--shape") && refused.errors.contains("--batch"))
      }
      let extents = try ONNXModel("\(folder)/net.onnx").model(batch: 2).graph
      let shape = extents[extents.inputs[0]].shape.dimensions.map(String.init)
      for more in [["--batch", "2"], ["--shape", shape.joined(separator: "x")]] {
        for command in commands {
          let run = try CommandRun(command + more, in: folder)
          #expect(run.status == 0, "\(command + more): \(run.errors)")
        }
      }
      let wrong = try CommandRun(["cost", "net.onnx", "--shape", "1x2x3"], in: folder)
      #expect(wrong.status == 1 && wrong.errors.contains("is declared"), "\(wrong.errors)")
    }
  }

  /// An .onnx file is read for the arrays it is given.
  @Test func runsForTheShapesOfArrays() throws {
    try withFolder { folder in
      _ = try CommandRun(["export", "zoo:lenet", "net.onnx"], in: folder)
      let model = try ONNXModel("\(folder)/net.onnx")
      var random = Random(seed: 2)
      for batch in [1, 3] {
        let graph = try model.model(batch: batch).graph
        let images = Tensor(normal: graph[graph.inputs[0]].shape, using: &random)
        try NumPyArray(images).write(to: "\(folder)/x.npy")
        let run = try CommandRun(
          ["run", "net.onnx", "--input", "x.npy", "--output", "."], in: folder)
        #expect(run.status == 0, "\(run.errors)")
        let results = try model.run([graph[graph.inputs[0]].name: images])
        let name = try #require(model.outputs.first?.name)
        #expect(
          try NumPyArray(contentsOf: "\(folder)/\(name).npy").tensor == results[name])
      }
    }
  }
}
