import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Cast: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) {
      TypeConversion(
        count: site.outputShapes[0].elementCount,
        from: TypedRegion($0.region(site.inputs[0]), site.inputTypes[0]),
        to: TypedRegion($0.region(site.outputs[0]), site.outputTypes[0]))
    }
  }
}

extension IntegerElementwise.Function {
  /// The integer kernel's function for an arithmetic function; nil if integers do not support it.
  init?(_ function: Arithmetic.Function) {
    switch function {
    case .add: self = .add
    case .subtract: self = .subtract
    case .multiply: self = .multiply
    case .maximum: self = .maximum
    case .minimum: self = .minimum
    case .divide, .power: return nil
    }
  }

  /// Two row-major inputs of integers.
  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) { placement in
      IntegerElementwise(
        self, of: site.outputTypes[0], site.outputShapes[0],
        zip(site.inputs, site.inputShapes).map { (placement.region($0), $1) },
        to: placement.region(site.outputs[0]))
    }
  }
}
