import ConvoyGraphs
import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An operator that can be written as nodes of ONNX.
protocol Exportable: Operator {
  /// Writes the operator: the last node makes the site's output.
  func export(at site: ExportSite) throws(ConvoyError)
}

/// A node of a graph that is being exported.
struct ExportSite {
  let exporter: Exporter
  /// The node's name.
  let name: String
  /// The names of what it reads.
  let inputs: [String]
  /// The names of what it makes.
  let outputs: [String]
  let inputShapes: [Shape]
  let outputShapes: [Shape]
  let inputTypes: [ElementType]

  /// Writes a node that makes the outputs.
  func finish(_ type: String, _ inputs: [String], _ attributes: [Onnx_AttributeProto] = []) {
    exporter.append(type, name: name, inputs: inputs, outputs: outputs, attributes)
  }

  /// Writes a node before the last, and returns the name of what it makes.
  func emit(
    _ type: String, _ inputs: [String], _ attributes: [Onnx_AttributeProto] = []
  ) -> String {
    let name = exporter.freeName("\(self.name).\(type)")
    exporter.append(type, name: name, inputs: inputs, outputs: [name], attributes)
    return name
  }

  /// Why the node cannot be written.
  func failure(_ what: String) -> ConvoyError {
    ConvoyError(
      .argument, "‘\(name)’ cannot be exported: ONNX has no means of \(what) in version 17.")
  }

  /// The name of a constant scalar.
  func scalar(_ value: Float) -> String {
    exporter.constant(Tensor([], repeating: value), name: "\(name).scalar")
  }

  /// The name of a constant of floats.
  func constant(_ tensor: Tensor, _ suffix: String) -> String {
    exporter.constant(tensor, name: "\(name).\(suffix)")
  }

  /// The name of a constant row of integers.
  func integers(_ integers: [Int], _ suffix: String) -> String {
    exporter.integers(integers, name: "\(name).\(suffix)")
  }
}

extension Onnx_AttributeProto {
  init(_ name: String, _ integer: Int) {
    self.init()
    (self.name, type, i) = (name, .int, Int64(integer))
  }

  init(_ name: String, _ integers: [Int]) {
    self.init()
    (self.name, type, ints) = (name, .ints, integers.map { Int64($0) })
  }

  init(_ name: String, _ float: Float) {
    self.init()
    (self.name, type, f) = (name, .float, float)
  }

  init(_ name: String, _ text: String) {
    self.init()
    (self.name, type, s) = (name, .string, Data(text.utf8))
  }
}
