import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension MatrixProduct: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (first, second) = (site.inputs[0], site.inputs[1])
    let plan = MatrixProductPlan(
      MatrixProductProblem(
        site.outputShapes[0], site.inputShapes[0], site.inputShapes[1],
        isSecondConstant: site.isFrozen[1]),
      site.settings)
    let packed: BufferID? =
      plan.packedCount == 0
      ? nil
      : program.derived(site, from: [1], count: plan.packedCount) {
        plan.packing(from: $0.region(second), to: $1)
      }
    let reads = [first] + (plan.readsSecond ? [second] : []) + (packed.map { [$0] } ?? [])
    program.step(site, reads: reads, decision: plan.decision) { placement in
      plan.kernel(
        at: MatrixProductOperands(
          first: placement.region(first),
          second: plan.readsSecond ? placement.region(second) : nil,
          packed: packed.map { placement.region($0) },
          output: placement.region(site.outputs[0])))
    }
  }
}
