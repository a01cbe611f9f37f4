package import ConvoyTensors

/// The parameters of a dropout kernel.
package struct DropoutProblem: Hashable, Sendable {
  /// The fraction of the elements that is set to zero, in 0..<1.
  package var rate: Float
  /// The stream of random numbers.
  package var stream: UInt64
  /// The region of the training step's number.
  package var step: TypedRegion
  /// The index of the first element, if the tensor is a part of a larger one.
  package var firstElement: Int

  /// A dropout of the given parameters.
  package init(rate: Float, stream: UInt64, step: TypedRegion, firstElement: Int = 0) {
    self.rate = rate
    self.stream = stream
    self.step = step
    self.firstElement = firstElement
  }

  fileprivate func mask(in memory: Memory) -> DropoutMask {
    DropoutMask(stream: stream, step: memory.integer(step) ?? 0, rate: rate)
  }

  fileprivate var scale: Float { Float(1 / (1 - Double(rate))) }
}

/// Sets random elements of planes to zero and scales the others.
package struct PlaneDropout: Kernel {
  /// See `Kernel.name`.
  package let name = "portable dropout"
  private let problem: DropoutProblem
  private let input: PlaneLayout
  private let base: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let cursors: (RowCursor, RowCursor)
  private let chunks: Chunks

  /// - Parameters:
  ///   - input: planes in the identity order, with offsets from `base`.
  ///   - output: planes of the same geometry except for the halo, with offsets from `outputBase`.
  package init(
    _ problem: DropoutProblem, _ input: PlaneLayout, base: Region, to output: PlaneLayout,
    outputBase: Region
  ) {
    self.problem = problem
    self.input = input
    self.base = base
    self.output = output
    self.outputBase = outputBase
    cursors = (RowCursor(input), RowCursor(output))
    chunks = Chunks(items: output.planes.count * cursors.1.rows, cost: output.extents[2] * 128)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }
  /// See `Kernel.scratchCount`.
  package var scratchCount: Int { output.extents[2] * PlaneLayout.lanes }

  /// Computes some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (mask, scale) = (problem.mask(in: memory), problem.scale)
    let (width, pixels) = (output.extents[2], output.extents.volume)
    let rowsPerImage = cursors.1.rows / output.batch
    for item in chunks[chunk] {
      let (plane, row) = item.quotientAndRemainder(dividingBy: cursors.1.rows)
      let source = UnsafePointer(memory[base] + input.planes[plane] + cursors.0.offset(ofRow: row))
      let target = memory[outputBase] + output.planes[plane] + cursors.1.offset(ofRow: row)
      let (image, inImage) = row.quotientAndRemainder(dividingBy: rowsPerImage)
      // The row-major index of the first lane's first number; that of the next lane is larger by
      // the pixels of an image.
      let first =
        problem.firstElement + (image * output.channels + plane * PlaneLayout.lanes) * pixels
        + inImage * width
      // Masks first, lane by lane: in one loop with the numbers, the compiler turns each mask into
      // a branch.
      for column in 0..<width {
        var index = first + column
        for lane in 0..<PlaneLayout.lanes {
          scratch[column * PlaneLayout.lanes + lane] = Float(bitPattern: mask.bits(index))
          index &+= pixels
        }
      }
      for offset in stride(from: 0, to: width * PlaneLayout.lanes, by: PlaneLayout.lanes) {
        let scaled = (source + offset).lanes * scale
        (target + offset).lanes = scaled.masked((scratch + offset).lanes)
      }
    }
  }
}

/// Sets random elements of a row-major tensor to zero and scales the others.
package struct DenseDropout: Kernel {
  /// See `Kernel.name`.
  package let name = "portable dropout"
  private let problem: DropoutProblem
  private let input: Region
  private let output: Region
  private let chunks: Chunks

  /// - Parameter count: the number of elements.
  package init(_ problem: DropoutProblem, count: Int, from input: Region, to output: Region) {
    self.problem = problem
    self.input = input
    self.output = output
    chunks = Chunks(items: count, cost: 8)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }
  /// See `Kernel.scratchCount`.
  package var scratchCount: Int { chunks.size }

  /// Computes some elements.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (mask, scale) = (problem.mask(in: memory), problem.scale)
    let (source, target) = (memory[input], memory[output])
    let elements = chunks[chunk]
    for (place, index) in elements.enumerated() {
      scratch[place] = Float(bitPattern: mask.bits(problem.firstElement + index))
    }
    for (place, index) in elements.enumerated() {
      let scaled = (source[index] * scale).bitPattern
      target[index] = Float(bitPattern: scaled & scratch[place].bitPattern)
    }
  }
}

extension Lanes {
  /// The numbers where all bits of a mask are set, and 0 where none are.
  @inline(__always)
  fileprivate func masked(_ mask: Lanes) -> Lanes {
    let bits = unsafeBitCast(self, to: SIMD16<UInt32>.self)
    return unsafeBitCast(bits & unsafeBitCast(mask, to: SIMD16<UInt32>.self), to: Lanes.self)
  }
}
