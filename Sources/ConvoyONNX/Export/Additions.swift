import ConvoyTensors

/// What is written into an ONNX model beside the network itself.
public struct ONNXAdditions: Sendable {
  /// How pixels become the numbers that the network takes.
  public struct Preprocessing: Sendable {
    /// What is taken off each channel, of values from 0 to 1; one for all, or one a channel.
    public var mean: [Float]
    /// What each channel is then divided by.
    public var deviation: [Float]

    /// A mean and a deviation of each channel.
    public init(mean: [Float], deviation: [Float]) {
      (self.mean, self.deviation) = (mean, deviation)
    }
  }

  /// Notes on the model, by key: its `metadata_props`.
  public var metadata: [String: String]
  /// Nodes at the input, which is then of bytes from 0 to 255, that make numbers of them; nil for none.
  public var preprocessing: Preprocessing?
  /// Whether a softmax over the second dimension follows the output.
  public var hasSoftmax: Bool

  /// Nothing but what is told.
  public init(
    metadata: [String: String] = [:], preprocessing: Preprocessing? = nil, hasSoftmax: Bool = false
  ) {
    (self.metadata, self.preprocessing, self.hasSoftmax) = (metadata, preprocessing, hasSoftmax)
  }
}

extension Exporter {
  /// Writes the nodes of the additions, before and after those of the network.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` where the network is not one of a picture, or of scores.
  func add(_ additions: ONNXAdditions) throws(ConvoyError) {
    if let preprocessing = additions.preprocessing { try prepend(preprocessing) }
    if additions.hasSoftmax { try appendSoftmax() }
  }

  /// (*pixel* ∕ 255 − *mean*) ∕ *deviation*, as one factor and one shift a channel.
  private func prepend(_ preprocessing: ONNXAdditions.Preprocessing) throws(ConvoyError) {
    let extents = graph.input.first?.type.tensorType.shape.dim ?? []
    guard graph.input.count == 1, extents.count == 4 else {
      throw ConvoyError(
        .argument,
        "Preprocessing is written for networks of one input, batch×channels×height×width; this one has "
          + "\(graph.input.count), the first of \(extents.count) dimensions.")
    }
    let channels = Int(extents[1].dimValue)
    let (mean, deviation) = (preprocessing.mean, preprocessing.deviation)
    guard mean.count == deviation.count, mean.count == 1 || mean.count == channels,
      deviation.allSatisfy({ $0 > 0 && $0.isFinite }), mean.allSatisfy(\.isFinite)
    else {
      throw ConvoyError(
        .argument,
        "Expected a mean and a deviation above 0, one or \(channels) of each, got \(mean) and "
          + "\(deviation).")
    }
    let name = graph.input[0].name
    let normalized = freeName("\(name).normalized")
    rename(name, to: normalized)
    graph.input[0].type.tensorType.elemType = Int32(ElementType.uint8.onnxType.rawValue)
    let floats = freeName("\(name).floats")
    let scaled = freeName("\(name).scaled")
    let shape = Shape([mean.count, 1, 1])
    let network = graph.node
    graph.node = []
    append(
      "Cast", name: floats, inputs: [name], outputs: [floats],
      [Onnx_AttributeProto("to", ElementType.float32.onnxType.rawValue)])
    append(
      "Mul", name: scaled,
      inputs: [
        floats,
        constant(try Tensor(shape, deviation.map { 1 / (255 * $0) }), name: "\(name).factor"),
      ],
      outputs: [scaled], [])
    append(
      "Add", name: normalized,
      inputs: [
        scaled,
        constant(try Tensor(shape, zip(mean, deviation).map { -$0 / $1 }), name: "\(name).shift"),
      ], outputs: [normalized], [])
    graph.node += network
  }

  private func appendSoftmax() throws(ConvoyError) {
    let extents = graph.output.first?.type.tensorType.shape.dim ?? []
    guard graph.output.count == 1, extents.count >= 2 else {
      throw ConvoyError(
        .argument,
        "A softmax is written for networks of one output of scores, batch×classes; this one has "
          + "\(graph.output.count), the first of \(extents.count) dimensions.")
    }
    let name = graph.output[0].name
    let scores = freeName("\(name).scores")
    rename(name, to: scores)
    append(
      "Softmax", name: freeName("\(name).softmax"), inputs: [scores], outputs: [name],
      [Onnx_AttributeProto("axis", 1)])
  }
}
