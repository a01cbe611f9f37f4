import ConvoyTensors

/// The order of a convolution's weights in the user's tensor. Nothing else depends on the order
/// being [O, I∕G, k…] for a forward convolution and [I, O∕G, k…] for a transposed one.
package struct WeightOrder: Hashable, Sendable {
  /// Elements from an output channel of a group to the next.
  let outputStride: Int
  /// Elements from an input channel of a group to the next.
  let inputStride: Int
  private let groupStride: Int
  private let outputsPerGroup: Int
  private let inputsPerGroup: Int
  private let volume: Int

  /// The order of a problem's weights.
  package init(_ problem: ConvolutionProblem) {
    volume = problem.kernel.volume
    inputsPerGroup = problem.inputsPerGroup
    outputsPerGroup = problem.outputsPerGroup
    switch problem.direction {
    case .forward:
      outputStride = problem.inputsPerGroup * volume
      inputStride = volume
      groupStride = problem.outputsPerGroup * outputStride
    case .transposed:
      outputStride = volume
      inputStride = problem.outputsPerGroup * volume
      groupStride = problem.inputsPerGroup * inputStride
    }
  }

  /// The index of the weight between an output channel and an input channel of its group, at a tap.
  package func index(output: Int, inputInGroup: Int, tap: Int) -> Int {
    let (group, outputInGroup) = output.quotientAndRemainder(dividingBy: outputsPerGroup)
    return group * groupStride + outputInGroup * outputStride + inputInGroup * inputStride + tap
  }

  /// A range that includes the weights of some output channels, and perhaps others between them.
  func indices(of outputs: some Sequence<Int>) -> Range<Int> {
    let starts = outputs.map { index(output: $0, inputInGroup: 0, tap: 0) }
    guard let first = starts.min(), let last = starts.max() else { return 0..<0 }
    return first..<last + (inputsPerGroup - 1) * inputStride + volume
  }
}

/// Packs a convolution's weights for kernels whose lanes are the channels of an output plane. For
/// each phase and plane there is a row of 16 weights for each pair of input channel and tap; where
/// the plane is folded, for each pair of a block of channels and a tap.
package struct WeightPacking: Kernel {
  /// See `Kernel.name`.
  package let name = "pack weights"
  private let source: Region
  private let destination: Region
  private let order: WeightOrder
  private let phases: [Phase]
  private let folding: PlaneFolding
  private let starts: [[Int]]
  /// For each lane of each output plane, its channel.
  private let channels: [Int?]
  /// The planes that a chunk packs.
  private let planesPerChunk: Int

  /// The packing of a problem's weights without folding.
  package init(_ problem: ConvolutionProblem, from source: Region, to destination: Region) {
    self.init(problem, from: source, to: destination, PlaneFolding(problem, nil))
  }

  init(
    _ problem: ConvolutionProblem, from source: Region, to destination: Region,
    _ folding: PlaneFolding
  ) {
    self.source = source
    self.destination = destination
    self.folding = folding
    order = WeightOrder(problem)
    phases = problem.phases
    channels = problem.output.channelsByLane
    starts = folding.weightStarts(phases).starts
    // Rows that are copied unchanged are one cache line each: several are read in sequence.
    planesPerChunk = order.outputStride == 1 ? 8 : 1
  }

  /// The offsets of each phase's weights, followed by the size of all, in floats, without folding.
  static func starts(_ problem: ConvolutionProblem) -> [Int] {
    let lanes = problem.output.planes.count * PlaneLayout.lanes
    return problem.phases.reduce(into: [0]) { starts, phase in
      starts.append(starts[starts.count - 1] + lanes * problem.inputsPerGroup * phase.taps.count)
    }
  }

  /// The floats of a problem's packed weights, without folding.
  package static func elementCount(_ problem: ConvolutionProblem) -> Int {
    starts(problem).last ?? 0
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { (planeCount + planesPerChunk - 1) / planesPerChunk }

  private var planeCount: Int { channels.count / PlaneLayout.lanes }

  private func planes(ofChunk chunk: Int) -> Range<Int> {
    chunk * planesPerChunk..<min(planeCount, (chunk + 1) * planesPerChunk)
  }

  /// See `Kernel.elementsRead(chunk:)`.
  package func elementsRead(chunk: Int) -> Range<Int>? {
    let (lanes, planes) = (PlaneLayout.lanes, planes(ofChunk: chunk))
    return order.indices(
      of: channels[planes.lowerBound * lanes..<planes.upperBound * lanes].lazy.compactMap { $0 })
  }

  /// Packs the weights of some output planes.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let planes = planes(ofChunk: chunk)
    if let first = firstOfRows(planes) {
      return packRows(planes, from: memory[source] + first, to: memory[destination])
    }
    for plane in planes { pack(plane, in: memory) }
  }

  /// The offset of the weights of some planes if those of consecutive lanes are adjacent, as in a
  /// transposed linear layer.
  private func firstOfRows(_ planes: Range<Int>) -> Int? {
    let lanes = PlaneLayout.lanes
    let channels = channels[planes.lowerBound * lanes..<planes.upperBound * lanes]
    guard order.outputStride == 1, phases.count == 1, phases[0].taps.count == 1,
      let first = channels.first ?? nil, let last = channels.last ?? nil,
      zip(channels, first...).allSatisfy({ $0 == $1 }),
      planes.allSatisfy({ folding.factors[$0] == 1 })
    else { return nil }
    let start = order.index(output: first, inputInGroup: 0, tap: 0)
    // Otherwise there is a boundary between groups among the lanes.
    let end = order.index(output: last, inputInGroup: 0, tap: 0)
    return end - start == last - first ? start : nil
  }

  private func packRows(
    _ planes: Range<Int>, from weights: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let lanes = PlaneLayout.lanes
    for input in 0..<folding.blocks[planes.lowerBound].count {
      let row = weights + input * order.inputStride
      for (index, plane) in planes.enumerated() {
        (target + starts[0][plane] + input * lanes).lanes = (row + index * lanes).unalignedLanes
      }
    }
  }

  private func pack(_ plane: Int, in memory: Memory) {
    let count = folding.blocks[plane].count
    for (phase, starts) in zip(phases, starts) {
      let taps = phase.taps.map(\.index)
      if isPlain(plane, phase) {
        packPlain(
          plane, count: count * taps.count, from: memory[source],
          to: memory[destination] + starts[plane])
        continue
      }
      // Several blocks are packed for all lanes before the next, while the destination rows are in
      // the cache.
      let most = max(1, 256 / max(1, taps.count))
      for first in stride(from: 0, to: count, by: most) {
        let target = memory[destination] + starts[plane] + first * taps.count * PlaneLayout.lanes
        for lane in 0..<PlaneLayout.lanes {
          pack(
            plane, lane, blocks: first..<min(count, first + most), taps, from: memory[source],
            to: target + lane)
        }
      }
    }
  }

  /// Whether each lane's weights have the same order in the tensor and in the packed form.
  private func isPlain(_ plane: Int, _ phase: Phase) -> Bool {
    folding.factors[plane] == 1 && order.inputStride == phase.taps.count
      && phase.taps.indices.allSatisfy { phase.taps[$0].index == $0 }
  }

  /// Packs a plane with `isPlain`: a transposition, four lanes at a time.
  private func packPlain(
    _ plane: Int, count: Int, from weights: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let lanes = PlaneLayout.lanes
    let starts = channels[plane * lanes..<(plane + 1) * lanes].map {
      $0.map { order.index(output: $0, inputInGroup: 0, tap: 0) }
    }
    for first in stride(from: 0, to: count, by: 256) {
      let part = first..<min(count, first + 256)
      for lane in stride(from: 0, to: lanes, by: 4) {
        guard let a = starts[lane], let b = starts[lane + 1], let c = starts[lane + 2],
          let d = starts[lane + 3]
        else {
          for lane in lane..<lane + 4 {
            let start = starts[lane]
            for index in part {
              target[index * lanes + lane] = start.map { weights[$0 + index] } ?? 0
            }
          }
          continue
        }
        let raw = UnsafeMutableRawPointer(target + lane)
        let rows = (weights + a, weights + b, weights + c, weights + d)
        for index in part {
          let four = SIMD4(rows.0[index], rows.1[index], rows.2[index], rows.3[index])
          raw.storeBytes(
            of: four, toByteOffset: Float.byteCount * index * lanes, as: SIMD4<Float>.self)
        }
      }
    }
  }

  /// Packs one lane, whose weights are contiguous in the tensor.
  private func pack(
    _ plane: Int, _ lane: Int, blocks: Range<Int>, _ taps: [Int],
    from weights: UnsafePointer<Float>, to first: UnsafeMutablePointer<Float>
  ) {
    let (output, inBlock) = lane.quotientAndRemainder(dividingBy: folding.factors[plane])
    let start = channels[plane * PlaneLayout.lanes + output].map {
      order.index(output: $0, inputInGroup: 0, tap: 0)
    }
    var target = first
    for block in folding.blocks[plane][blocks] {
      let input = block.channel + inBlock
      let from = input < block.fresh ? nil : start.map { weights + $0 + input * order.inputStride }
      for tap in taps {
        target.pointee = from?[tap] ?? 0
        target += PlaneLayout.lanes
      }
    }
  }
}
