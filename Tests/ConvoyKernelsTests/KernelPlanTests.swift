import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// What catalogs decide: once, from the problem alone, with a reason for every method that is not taken.
@Suite struct KernelPlanTests {
  private static func problem(_ index: Int, _ random: inout Random) -> ConvolutionProblem {
    let width = [1, 2, 3, 4, 12, 20][index % 6]
    let groups = width == 20 ? 1 : 2 + random.below(30 / width)
    return ProblemCase.random(groups * width, groups * width, groups, &random).problem
  }

  /// The same problem with its planes elsewhere, in another order and with gaps between.
  private static func moved(
    _ problem: ConvolutionProblem, _ random: inout Random
  ) -> ConvolutionProblem {
    var problem = problem
    func move(_ layout: inout PlaneLayout) {
      var places = layout.planes.indices.map { $0 * (layout.planeSize + 64) + 1024 }
      places.shuffle(using: &random)
      layout.planes = places
    }
    move(&problem.input)
    move(&problem.output)
    return problem
  }

  @Test(arguments: Machine.available) func placesDecideNothing(_ machine: Machine) {
    var random = Random(seed: 101)
    for index in 0..<60 {
      let problem = Self.problem(index, &random)
      let settings = KernelSettings(machine: machine)
      let moved = Self.moved(problem, &random)
      #expect(ConvolutionPlan(problem, settings) == ConvolutionPlan(moved, settings))
      guard problem.direction == .forward else { continue }
      #expect(WeightGradientPlan(problem, settings) == WeightGradientPlan(moved, settings))
    }
  }

  /// Plans of different problems are different, unless nothing decided differs.
  @Test(arguments: Machine.available) func plansAreCompared(_ machine: Machine) {
    var random = Random(seed: 102)
    let problem = Self.problem(5, &random)
    var other = problem
    other.addsResidual = true
    let settings = KernelSettings(machine: machine)
    #expect(ConvolutionPlan(problem, settings) != ConvolutionPlan(other, settings))
  }

  /// A plane that a view lists twice is read like two.
  @Test(arguments: Machine.available) func planesMayCoincide(_ machine: Machine) {
    var random = Random(seed: 103)
    for (width, groups) in [(20, 1), (4, 8), (1, 32), (12, 4)] {
      let problem = ProblemCase.random(width * groups, width * groups, groups, &random).problem
      let plan = ConvolutionPlan(problem, KernelSettings(machine: machine))
      let region = Region(.arena, offset: 0)
      let once = PlanePlaces(
        base: region, planes: problem.input.planes.map { _ in problem.input.planes[0] })
      let kernel = plan.kernel(
        at: ConvolutionOperands(
          input: once, weights: region, bias: nil,
          output: PlanePlaces(problem.output, at: region)))
      #expect(kernel.name == plan.decision.kernel)
      #expect(kernel.detail == plan.decision.detail)
    }
  }

  /// Every method before the one that is taken says why not, and none after it is asked.
  @Test(arguments: Machine.available) func everyRefusalHasAReason(_ machine: Machine) {
    var random = Random(seed: 104)
    for index in 0..<60 {
      let problem = Self.problem(index, &random)
      let settings = KernelSettings(machine: machine)
      var decisions = [
        ConvolutionPlan(problem, settings).decision,
        Catalog.elementwise(
          ElementwiseProblem(.power, problem.input, problem.input, to: problem.input), settings
        ).decision,
      ]
      if problem.direction == .forward {
        decisions.append(WeightGradientPlan(problem, settings).decision)
      }
      for decision in decisions {
        let verdicts = decision.candidates.map(\.verdict)
        let taken = verdicts.firstIndex(of: .taken) ?? verdicts.count
        #expect(verdicts.count { $0 == .taken } == 1)
        for (index, verdict) in verdicts.enumerated() {
          switch verdict {
          case .refused(let reason):
            #expect(index < taken && !reason.isEmpty)
            if machine.name == "portable" {
              let isGenerated = decision.candidates[index].name.hasPrefix("generated")
              #expect(!isGenerated || reason.contains("no generated code"))
            }
          case .taken: break
          case .notAsked: #expect(index > taken)
          }
        }
      }
    }
  }
}
