import ConvoyTensors

/// Dense convolution in plain Swift: each number of an input channel is multiplied with the weights
/// of 16 output channels. Input channels may be in any planes and lanes.
struct PortableDenseConvolution: ConvolutionMethod {
  static let title = "portable dense"
  let name = title
  let problem: ConvolutionProblem
  private let schedule: PhaseSchedule
  /// For each output plane, its group.
  private let groups: [Int]

  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) throws(Refusal) {
    _ = try problem.requirePlanesOfGroups()
    self.problem = problem
    schedule = PhaseSchedule(problem, joinsImages: true)
    groups = problem.groupOfPlanes.map { $0 ?? 0 }
  }

  func kernel(at operands: ConvolutionOperands) -> any Kernel {
    Placed(method: self, operands)
  }

  /// The method with operands at given addresses.
  private struct Placed: Kernel {
    let name: String
    private let schedule: PhaseSchedule
    private let groups: [Int]
    private let epilogue: LaneFunction
    private let operands: ConvolutionOperands
    /// For each phase and group, the distances of its pairs of input channel and tap.
    private let distances: [[[Int]]]

    init(method: PortableDenseConvolution, _ operands: ConvolutionOperands) {
      let problem = method.problem
      name = method.name
      schedule = method.schedule
      groups = method.groups
      epilogue = LaneFunction(problem.epilogue)
      self.operands = operands
      distances = method.schedule.works.map { work in
        (0..<problem.groups).map { group in
          problem.sources(group: group, work.phase.taps).map { $0.placed(operands.input.planes) }
        }
      }
    }

    var chunkCount: Int { schedule.chunkCount }

    func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
      let (index, plane, block) = schedule.locate(chunk)
      let work = schedule.works[index]
      let input = UnsafePointer(memory[operands.input.base])
      let output = operands.output.start(of: plane, in: memory)
      distances[index][groups[plane]].withUnsafeBufferPointer { distances in
        let convolver = RowConvolver<DenseAccess>(
          work, plane: plane, distances: distances, epilogue: epilogue, operands, memory)
        convolver.convolve(block, of: work.grid, from: input, to: output)
      }
    }
  }
}

/// Depthwise and narrowly grouped convolution in plain Swift: each lane multiplies the inputs of
/// its own group. Where lanes have another order in the input than in the output, the pixels that a
/// chunk reads are gathered first, into one plane for each input channel of a group.
struct PortableLaneConvolution: ConvolutionMethod {
  static let title = "portable lane by lane"
  let name = title
  let problem: ConvolutionProblem
  private let schedule: PhaseSchedule
  private let gather: LaneGather

  /// Plans any problem.
  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) {
    self.problem = problem
    schedule = PhaseSchedule(problem, joinsImages: false)
    gather = LaneGather(problem, schedule.works.map(\.phase))
  }

  func kernel(at operands: ConvolutionOperands) -> any Kernel {
    Placed(method: self, operands)
  }

  /// The method with operands at given addresses.
  private struct Placed: Kernel {
    let name: String
    let scratchCount: Int
    private let schedule: PhaseSchedule
    private let gather: LaneGather.Placed
    private let epilogue: LaneFunction
    private let operands: ConvolutionOperands
    /// For each phase and output plane, the distances of its pairs of input channel and tap.
    private let distances: [[[Int]]]

    init(method: PortableLaneConvolution, _ operands: ConvolutionOperands) {
      name = method.name
      scratchCount = method.gather.scratchCount
      schedule = method.schedule
      gather = method.gather.placed(at: operands.input.planes)
      epilogue = LaneFunction(method.problem.epilogue)
      self.operands = operands
      distances = gather.distances
    }

    var chunkCount: Int { schedule.chunkCount }

    func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
      let (index, plane, block) = schedule.locate(chunk)
      let work = schedule.works[index]
      let input = UnsafePointer(memory[operands.input.base])
      let output = operands.output.start(of: plane, in: memory)
      distances[index][plane].withUnsafeBufferPointer { distances in
        let convolver = RowConvolver<LaneAccess>(
          work, plane: plane, distances: distances, epilogue: epilogue, operands, memory)
        var rest = block
        while !rest.rows.isEmpty {
          // Rows of one image at a time: a gathered plane holds one image.
          let rows = work.grid.rowsOfImage(
            from: rest.rows.lowerBound, before: block.rows.upperBound)
          let part = PixelBlock(rows: rows, columns: block.columns)
          let base = gather.prepare(
            plane: plane, part, of: work.grid, phase: index, from: input, scratch: scratch)
          convolver.convolve(part, of: work.grid, from: base, to: output)
          rest.rows = rows.upperBound..<block.rows.upperBound
        }
      }
    }
  }
}
