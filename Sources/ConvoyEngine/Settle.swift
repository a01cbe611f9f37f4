import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Compiler {
  /// Plans the arena.
  mutating func placeArena() { arenaByteCount = placeArena(results.map(\.value)) }

  /// Packs the weights, and makes the plan.
  mutating func plan() throws(ConvoyError) -> Plan {
    var constants = try Constants(
      byteCount: program.constantByteCount, sharing: options.sharedWeights)
    for (buffer, tensor) in contents {
      let target = constants.block.address + constants.next
      try tensor.copyBytes(
        to: UnsafeMutableRawBufferPointer(start: target, count: tensor.byteCount))
      keep(buffer, in: &constants)
    }
    let parameters = graph.parameters.map { id in
      TensorSlot(name: graph[id].name, type: graph[id].tensorType, region: region(id))
    }
    var state: MemoryBlock?
    if isFrozen {
      state = try keepDenseParameters()
      try prepare(&constants)
    }
    constants.finish()
    let placement = Placement(buffers: program.buffers)
    let inputs = graph.inputs.map { id in
      TensorSlot(name: graph[id].name, type: graph[id].tensorType, region: region(id))
    }
    let found = Set(
      graph.nodes.filter { graph.traits(of: $0).effect == .finds }.flatMap(\.outputs))
    let results = zip(graph.outputs, self.results).map { output, place in
      TensorSlot(
        name: output.name, type: graph[output.value].tensorType,
        region: placement.region(place.value), hasSpareRows: found.contains(output.value))
    }
    let steps = program.steps.map {
      Plan.Step(name: $0.name, kernel: $0.make(placement), decision: $0.decision)
    }
    kernels = steps.map(\.kernel.name)
    return Plan(
      steps: steps,
      inputs: inputs, outputs: results, parameters: parameters, constants: constants,
      frozenState: state, arenaByteCount: arenaByteCount,
      stateByteCount: program.stateByteCount,
      pool: options.pool, communicators: Array(options.communicators.values))
  }

  /// Settles where a constant is that has been written.
  private mutating func keep(_ buffer: BufferID, in constants: inout Constants) {
    let byteCount = program.buffers[buffer.index].byteCount
    program.buffers[buffer.index].offset = constants.keep(byteCount: byteCount)
  }

  private func region(_ id: ValueID) -> Region {
    guard let buffer = places[Place(value: id, kind: .dense)] else {
      preconditionFailure("Inputs and parameters have dense places.")
    }
    return Placement(buffers: program.buffers).region(buffer)
  }

  /// Places the arena's buffers, by the steps during which each is live.
  private mutating func placeArena(_ outputs: [BufferID]) -> Int {
    var lives: [Int: ClosedRange<Int>] = [:]
    func use(_ id: BufferID, at step: Int) {
      let buffer = program.buffers[id.index]
      guard buffer.base == .arena else { return }
      if !buffer.view.isEmpty { return buffer.view.forEach { use($0.buffer, at: step) } }
      if let original = buffer.original { return use(original, at: step) }
      let life = lives[id.index] ?? step...step
      lives[id.index] = min(life.lowerBound, step)...max(life.upperBound, step)
    }
    for id in graph.inputs {
      if let buffer = places[Place(value: id, kind: .dense)] { use(buffer, at: -1) }
    }
    for (index, step) in program.steps.enumerated() {
      for buffer in step.reads + step.writes { use(buffer, at: index) }
    }
    for buffer in outputs { use(buffer, at: program.steps.count) }
    let indices = lives.keys.sorted()
    let (offsets, byteCount) = MemoryPlan.place(
      indices.map {
        MemoryPlan.Item(byteCount: program.buffers[$0].byteCount, life: lives[$0] ?? 0...0)
      })
    for (index, offset) in zip(indices, offsets) { program.buffers[index].offset = offset }
    return byteCount
  }

  /// Runs the steps that depend on parameters only: packs weights.
  private mutating func prepare(_ constants: inout Constants) throws(ConvoyError) {
    var names: [BufferID: String] = [:]
    for id in graph.parameters {
      if let buffer = places[Place(value: id, kind: .dense)] { names[buffer] = graph[id].name }
    }
    var lastUse: [BufferID: Int] = [:]
    for (index, step) in program.preparations.enumerated() {
      for buffer in step.reads { lastUse[buffer] = index }
    }
    var preparation = WeightPreparation(pool: options.pool, constants: constants.block)
    for (index, step) in program.preparations.enumerated() {
      let packed = step.writes[0]
      program.buffers[packed.index].offset = constants.next
      if step.reads.count == 1, let tensor = names[step.reads[0]].flatMap({ frozen?[$0] }) {
        // The parameter is read in place.
        let read = program.buffers[step.reads[0].index].offset
        program.buffers[step.reads[0].index].offset = 0
        try preparation.run(step.make(Placement(buffers: program.buffers)), reading: tensor)
        program.buffers[step.reads[0].index].offset = read
      } else {
        // Only the parameters that this step reads are copied to a block.
        let needed = Set(step.reads)
        let (buffers, state) = try load { needed.contains($0) }
        preparation.run(step.make(Placement(buffers: buffers)), state: state.address)
      }
      keep(packed, in: &constants)
      for buffer in step.reads where lastUse[buffer] == index {
        if let name = names[buffer] { frozen?[name] = nil }
      }
    }
    frozen = nil
  }

  /// A block of the parameters that steps read in place.
  private mutating func keepDenseParameters() throws(ConvoyError) -> MemoryBlock {
    let needed = Set(program.steps.flatMap(\.reads))
    let (buffers, state) = try load { needed.contains($0) }
    program.buffers = buffers
    program.stateByteCount = state.byteCount
    return state
  }

  private func load(
    where isNeeded: (BufferID) -> Bool
  ) throws(ConvoyError) -> (buffers: [Buffer], state: MemoryBlock) {
    var buffers = program.buffers
    var byteCount = 0
    var loaded: [(offset: Int, tensor: Tensor)] = []
    for id in graph.parameters {
      guard let buffer = places[Place(value: id, kind: .dense)], isNeeded(buffer),
        let tensor = frozen?[graph[id].name]
      else { continue }
      buffers[buffer.index].offset = byteCount
      loaded.append((byteCount, tensor))
      byteCount += Program.aligned(tensor.byteCount)
    }
    let state = try MemoryBlock(byteCount: byteCount, for: "The network's parameters")
    for (offset, tensor) in loaded {
      try tensor.copyBytes(
        to: UnsafeMutableRawBufferPointer(
          start: state.address + offset, count: tensor.byteCount))
    }
    return (buffers, state)
  }
}
