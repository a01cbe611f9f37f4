import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension LaneOperation {
  init(_ function: Arithmetic.Function) {
    self =
      switch function {
      case .add: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .divide: .divide
      case .maximum: .maximum
      case .minimum: .minimum
      case .power: .power
      }
  }

  /// Any number of inputs of one shape, in the layout of the first.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let order = site.planewiseOrder
    let request = NodeLayouts.Request(kind: site.leadingKind, order: .init(order))
    return NodeLayouts(
      inputs: site.inputShapes.map { _ in request }, outputs: [site.leadingKind],
      outputOrders: [order])
  }

  /// One or two inputs in the layout of the output.
  func lower(_ site: LoweringSite, into program: inout Program) {
    let (a, b, out) = (site.inputs[0], site.inputs.dropFirst().first, site.outputs[0])
    if program.buffers[out.index].planes != nil {
      let plan = Catalog.elementwise(
        ElementwiseProblem(
          self, program.planes(of: a), b.map { program.planes(of: $0) },
          to: program.planes(of: out), epilogue: site.epilogue),
        site.settings)
      program.step(site, plan) {
        ElementwiseOperands(
          first: $0.places(a), second: b.map($0.places), output: $0.places(out))
      }
    } else if let plan = plan(ofNeighbours: site) {
      program.step(site, plan) {
        ElementwiseOperands(
          first: $0.line(a), second: b.map($0.line), output: $0.line(out))
      }
    } else {
      program.step(site) {
        DenseElementwise(
          self, site.outputShapes[0], $0.region(a), site.inputShapes[0], b.map($0.region),
          b.map { _ in site.inputShapes[1] }, to: $0.region(out), epilogue: site.epilogue)
      }
    }
  }
}

extension LaneOperation {
  /// Generated code for row-major operands of one shape. Buffers are as long as a multiple of 64
  /// bytes, so that a last vector may be only partly used.
  private func plan(ofNeighbours site: LoweringSite) -> KernelPlan<ElementwiseOperands>? {
    let shape = site.outputShapes[0]
    guard site.inputShapes.count <= 2, site.inputShapes.allSatisfy({ $0 == shape }) else {
      return nil
    }
    return Catalog.elementwise(
      self, ofNeighbours: shape.elementCount, isBinary: site.inputShapes.count == 2,
      epilogue: site.epilogue, site.settings)
  }
}

extension Placement {
  /// A row-major buffer as a single plane.
  fileprivate func line(_ id: BufferID) -> PlanePlaces {
    PlanePlaces(base: base(id), planes: [region(id).offset()])
  }
}

extension Elementwise: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    LaneOperation.function(function).layouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    LaneOperation.function(function).lower(site, into: &program)
  }
}

extension ElementwiseGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    LaneOperation.derivative(function).layouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    LaneOperation.derivative(function).lower(site, into: &program)
  }
}

extension Arithmetic: Lowerable {
  var epilogue: EpilogueSupport { .function }

  /// Planes, if the second operand is an image like the first, or one pixel for each image or for
  /// all images, and if one of the operands is in planes already. Otherwise row-major with
  /// broadcasting.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let (a, b) = (site.inputShapes[0], site.inputShapes[1])
    let isByChannel =
      a.rank == b.rank && a.rank >= 2 && a[1] == b[1] && (b[0] == a[0] || b[0] == 1)
      && b.dimensions.dropFirst(2).allSatisfy { $0 == 1 }
    let isPlanes =
      a.rank >= 2 && site.inputKinds.contains(.planes) && site.outputShapes[0] == a
      && (a == b || isByChannel)
    guard isPlanes else { return .allDense(at: site) }
    let order = site.planewiseOrder
    let request = NodeLayouts.Request(kind: .planes, order: .init(order))
    return NodeLayouts(
      inputs: [request, request], outputs: [.planes], outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    guard site.outputTypes[0].isInteger else {
      return LaneOperation(function).lower(site, into: &program)
    }
    program.step(site) { placement in
      IntegerElementwise(
        .init(function), of: site.outputTypes[0], site.outputShapes[0],
        zip(site.inputs, site.inputShapes).map { (placement.region($0), $1) },
        to: placement.region(site.outputs[0]))
    }
  }
}

extension IntegerElementwise.Function {
  fileprivate init(_ function: Arithmetic.Function) {
    self =
      switch function {
      case .add: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .divide: .divide
      case .maximum: .maximum
      case .minimum: .minimum
      case .power: .power
      }
  }
}

extension Reshape: Lowerable {
  /// Maps of one pixel, such as the results of global pooling, are vectors of channels in place.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let shapes = site.inputShapes + site.outputShapes
    let areVectors = shapes.allSatisfy {
      (2...5).contains($0.rank) && $0[0] == shapes[0][0] && $0[0] * $0[1] == $0.elementCount
    }
    if areVectors, site.leadingKind == .planes {
      return NodeLayouts(
        inputs: [.planes(halo: .none, order: .any(preferred: nil))], outputs: [.planes],
        outputOrders: [site.inputOrders.first ?? nil], sharing: [.alias(input: 0)])
    }
    return NodeLayouts(inputs: [.dense], outputs: [.dense], sharing: [.alias(input: 0)])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {}
}

extension Repetition: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(inputs: [.dense], outputs: [.dense])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) {
      StridedCopy(
        shape.dimensions, of: site.outputTypes[0], from: $0.region(site.inputs[0]),
        strides: site.inputShapes[0].broadcastStrides(to: shape), to: $0.region(site.outputs[0]),
        strides: shape.strides)
    }
  }
}
