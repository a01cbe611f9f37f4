import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Compiler {
  mutating func placeGivenValues() {
    var stateByteCount = 0
    for id in graph.valueIDs {
      let info = graph[id]
      let count = info.shape.elementCount
      let buffer: BufferID
      switch info.origin {
      case .computed: continue
      case .input: buffer = program.arena(count: count, of: info.type)
      case .parameter:
        let byteCount = info.tensorType.byteCount
        buffer = program.add(Buffer(base: .state, byteCount: byteCount, offset: stateByteCount))
        stateByteCount += Program.aligned(byteCount)
      case .constant(let tensor):
        buffer = program.constant(count: count, of: info.type)
        contents.append((buffer, tensor))
      }
      places[Place(value: id, kind: .dense)] = buffer
    }
    program.stateByteCount = stateByteCount
  }

  /// The buffer of a value, row-major or in the planes in which it was first computed; if there is
  /// none in that form, a step that reorders the value is added.
  mutating func place(_ value: ValueID, _ kind: LayoutKind) -> BufferID {
    place(value, kind, in: kind == .planes ? layouts.orders[value] : nil)
  }

  /// The buffer of a value in an order of channels; if there is none, a step is added.
  mutating func place(
    _ value: ValueID, _ kind: LayoutKind, in order: ChannelOrder?
  ) -> BufferID {
    let isOwn = order == nil || order == layouts.orders[value]
    let wanted = Place(value: value, kind: kind, order: isOwn ? nil : order)
    if let buffer = places[wanted] { return buffer }
    let name = "reorder \(graph[value].name)"
    let strided = places[Place(value: value, kind: .strided)]
    let planes = places[Place(value: value, kind: .planes)]
    let dense = places[Place(value: value, kind: .dense)]
    guard let source = kind == .planes ? dense ?? planes ?? strided : planes ?? strided else {
      preconditionFailure("A value is read before it is made.")
    }
    let buffer = makeBuffer(value, kind, order)
    if kind == .planes { clearHalo(of: buffer, name: name) }
    let (shape, type) = (graph[value].shape, graph[value].type)
    program.steps.append(
      StepDraft(name: name, reads: [source], writes: [buffer]) { placement in
        if kind == .dense, source == planes {
          DenseFromPlanes(
            from: placement.planes(source), base: placement.base(source),
            to: placement.region(buffer))
        } else if kind == .dense {
          StridedCopy(
            channelsFirst: shape, of: type, from: placement.region(source),
            to: placement.region(buffer))
        } else if source == planes {
          ChannelGather(
            placement.planes(buffer).map.indices.map { .init(source: 0, channel: $0) },
            from: [.init(placement.planes(source), base: placement.base(source))],
            to: placement.planes(buffer), base: placement.base(buffer))
        } else {
          PlanesFromDense(
            from: placement.region(source), to: placement.planes(buffer),
            base: placement.base(buffer), channelsLast: source == strided)
        }
      })
    places[wanted] = buffer
    return buffer
  }

  /// The buffer of a value that is row-major, perhaps with the channels last, with zeros around its
  /// images.
  mutating func placePadded(_ value: ValueID) -> BufferID {
    let wanted = Place(value: value, kind: .padded)
    if let buffer = places[wanted] { return buffer }
    let shape = graph[value].shape
    let own = Place(value: value, kind: .strided)
    let isChannelsLast = places[own] != nil
    let source =
      places[own]
      ?? program.alias(
        of: place(value, .dense), as: PlaneLayout(rowMajor: shape, channelsLast: false))
    let halo = layouts.halo(value)
    var buffer = source
    if halo != .none {
      let padded = program.arena(
        PlaneLayout(rowMajor: shape, channelsLast: isChannelsLast, halo: halo))
      let name = "pad \(graph[value].name)"
      clearHalo(of: padded, name: name)
      program.steps.append(
        StepDraft(name: name, reads: [source], writes: [padded]) { placement in
          RowCopy(
            placement.planes(source), base: placement.base(source), to: placement.planes(padded),
            outputBase: placement.base(padded))
        })
      buffer = padded
    }
    places[wanted] = buffer
    return buffer
  }

  /// The buffer of an input in the requested layout.
  mutating func place(
    _ value: ValueID, as request: NodeLayouts.Request
  ) -> BufferID {
    if request.kind == .padded { return placePadded(value) }
    guard request.kind == .planes else { return place(value, .dense) }
    return switch request.order {
    case .any: place(value, .planes)
    case .exactly(let order): place(value, .planes, in: order)
    case .identity: place(value, .planes, in: ChannelOrder(identity: graph[value].shape[1]))
    }
  }

  mutating func makeBuffer(
    _ value: ValueID, _ kind: LayoutKind, _ order: ChannelOrder? = nil
  ) -> BufferID {
    let shape = graph[value].shape
    switch kind {
    case .dense: return program.arena(count: shape.elementCount, of: graph[value].type)
    case .strided, .padded: preconditionFailure("Values are not computed in such layouts.")
    case .planes:
      let order = order ?? layouts.orders[value]
      return program.arena(PlaneLayout(shape, halo: layouts.halo(value), order: order))
    }
  }
}
