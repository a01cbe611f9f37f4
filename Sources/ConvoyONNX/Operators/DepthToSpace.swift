import ConvoyGraphs
import ConvoyTensors

// MARK: Export

extension DepthToSpace: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "DepthToSpace", site.inputs,
      [.init("blocksize", blocks.extent), .init("mode", blocks.channelsFirst ? "CRD" : "DCR")])
  }
}

extension SpaceToDepth: Exportable {
  /// ONNX's operator puts the channels of a pixel together; the other order is a table, transposed.
  func export(at site: ExportSite) throws(ConvoyError) {
    guard blocks.channelsFirst else {
      return site.finish("SpaceToDepth", site.inputs, [.init("blocksize", blocks.extent)])
    }
    let (input, output) = (site.inputShapes[0], site.outputShapes[0])
    let table = site.emit(
      "Reshape",
      [
        site.inputs[0],
        site.integers(
          [0, input[1], output[2], blocks.extent, output[3], blocks.extent], "table"),
      ])
    let moved = site.emit("Transpose", [table], [.init("perm", [0, 1, 3, 5, 2, 4])])
    site.finish("Reshape", [moved, site.integers([0] + output.dimensions.dropFirst(), "shape")])
  }
}
