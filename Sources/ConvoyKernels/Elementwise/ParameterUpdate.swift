import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How an optimiser's step changes a parameter; the operators of the same names document the
/// formulas.
package enum UpdateRule: Hashable, Sendable {
  /// One memory: the velocity. One scalar: the rate.
  case momentum(momentum: Float, isNesterov: Bool, weightDecay: Float)
  /// Two memories: first and second moment. Two scalars: the rate and the step, counted from 1.
  case adam(beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float)
  /// Two memories: running square and velocity. One scalar: the rate.
  case rmsprop(smoothing: Float, epsilon: Float, momentum: Float, weightDecay: Float)
}

/// The regions of the operands of a parameter's update.
package struct UpdateOperands: Hashable, Sendable {
  /// The parameter.
  package var parameter: Region
  /// Its gradient.
  package var gradient: Region
  /// The optimiser's memories of the parameter, as many as the rule has.
  package var memories: [Region]
  /// The rate.
  package var rate: Region
  /// The number of the step, for rules that use it.
  package var step: TypedRegion?
  /// The regions of the new parameter and then of the new memories: each may be the old one's
  /// region or another.
  package var outputs: [Region]

  /// Operands at given regions.
  package init(
    parameter: Region, gradient: Region, memories: [Region], rate: Region,
    step: TypedRegion? = nil, outputs: [Region]
  ) {
    self.parameter = parameter
    self.gradient = gradient
    self.memories = memories
    self.rate = rate
    self.step = step
    self.outputs = outputs
  }
}

/// Takes an optimiser's step in one pass over a parameter: everything is loaded once and stored
/// once.
package struct ParameterUpdate: Kernel {
  /// See `Kernel.name`.
  package let name = "portable update"
  private let rule: UpdateRule
  private let count: Int
  private let operands: UpdateOperands
  private let chunks: Chunks

  /// - Parameter count: the number of elements of the parameter.
  package init(_ rule: UpdateRule, count: Int, _ operands: UpdateOperands) {
    self.rule = rule
    self.operands = operands
    // A chunk is whole vectors, so that only the last vector of the parameter may have fewer than
    // 16 numbers.
    let cost = operands.memories.count * 16
    chunks = Chunks(items: (count + 15) / 16, cost: cost)
    self.count = count
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Updates some numbers.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let rate = memory[operands.rate].pointee
    switch rule {
    case .momentum(let momentum, let isNesterov, let decay):
      updateOne(chunk, memory) { p, g, velocity in
        let gradient = g + p * decay
        velocity = velocity * momentum + gradient
        p -= (isNesterov ? gradient + velocity * momentum : velocity) * rate
      }
    case .adam(let beta1, let beta2, let epsilon, let decay):
      // The corrections are differences of numbers close to 1, and therefore computed in Double.
      let step = operands.step.flatMap { memory.integer($0) }.map(Double.init) ?? .nan
      let firstCorrection = Float(1 / (1 - pow(Double(beta1), step)))
      let secondCorrection = Float(1 / (1 - pow(Double(beta2), step)))
      let (new1, new2) = (1 - beta1, 1 - beta2)
      let kept = Float(1 - Double(rate) * Double(decay))
      updateTwo(chunk, memory) { p, g, first, second in
        first = first * beta1 + g * new1
        second = second * beta2 + g * g * new2
        let deviation = LaneMath.squareRoot(second * secondCorrection) + epsilon
        p = p * kept - first * firstCorrection / deviation * rate
      }
    case .rmsprop(let smoothing, let epsilon, let momentum, let decay):
      let new = 1 - smoothing
      updateTwo(chunk, memory) { p, g, square, velocity in
        let gradient = g + p * decay
        square = square * smoothing + gradient * gradient * new
        velocity = velocity * momentum + gradient / (LaneMath.squareRoot(square) + epsilon)
        p -= velocity * rate
      }
    }
  }

  @inline(__always)
  private func updateOne(
    _ chunk: Int, _ memory: Memory, _ step: (inout Lanes, Lanes, inout Lanes) -> Void
  ) {
    let (parameter, gradient) = (memory[operands.parameter], memory[operands.gradient])
    let old = memory[operands.memories[0]]
    let (newParameter, new) = (memory[operands.outputs[0]], memory[operands.outputs[1]])
    for vector in chunks[chunk] {
      let (at, lanes) = (vector * 16, min(16, count - vector * 16))
      var p = UnsafePointer(parameter + at).lanes(first: lanes)
      var m = UnsafePointer(old + at).lanes(first: lanes)
      step(&p, UnsafePointer(gradient + at).lanes(first: lanes), &m)
      (newParameter + at).store(p, first: lanes)
      (new + at).store(m, first: lanes)
    }
  }

  @inline(__always)
  private func updateTwo(
    _ chunk: Int, _ memory: Memory,
    _ step: (inout Lanes, Lanes, inout Lanes, inout Lanes) -> Void
  ) {
    let (parameter, gradient) = (memory[operands.parameter], memory[operands.gradient])
    let (oldA, oldB) = (memory[operands.memories[0]], memory[operands.memories[1]])
    let newParameter = memory[operands.outputs[0]]
    let (newA, newB) = (memory[operands.outputs[1]], memory[operands.outputs[2]])
    for vector in chunks[chunk] {
      let (at, lanes) = (vector * 16, min(16, count - vector * 16))
      var p = UnsafePointer(parameter + at).lanes(first: lanes)
      var a = UnsafePointer(oldA + at).lanes(first: lanes)
      var b = UnsafePointer(oldB + at).lanes(first: lanes)
      step(&p, UnsafePointer(gradient + at).lanes(first: lanes), &a, &b)
      (newParameter + at).store(p, first: lanes)
      (newA + at).store(a, first: lanes)
      (newB + at).store(b, first: lanes)
    }
  }
}
