import ConvoyAssembler

// Moves, arithmetic and permutations of vectors.
extension X86Writer {
  // MARK: Vectors and memory

  package func load(_ d: Vector, _ place: Place) { a.vmovups(register(d), memory(place)) }

  package func store(_ place: Place, _ s: Vector) { a.vmovups(memory(place), register(s)) }

  package func broadcast(_ d: Vector, _ place: Place) { a.vbroadcastss(register(d), memory(place)) }

  package func repeatLanes(_ d: Vector, _ place: Place, count: Int) {
    let (d, s) = (register(d), memory(place))
    switch count {
    case 1: a.vbroadcastss(d, s)
    case 2: a.vbroadcastf32x2(d, s)
    case 4: a.vbroadcastf32x4(d, s)
    default: a.vbroadcastf32x8(d, s)
    }
  }

  package func copy(_ d: Vector, _ s: Vector) { a.vmovaps(register(d), register(s)) }

  package func putAside(_ place: Place, _ s: Vector) { a.vmovaps(memory(place), register(s)) }

  package func takeBack(_ d: Vector, _ place: Place) { a.vmovaps(register(d), memory(place)) }

  package func clear(_ d: Vector) {
    let d = register(d)
    if d.width == .zmm || d.number >= 16 { a.vpxord(d, d, d) } else { a.vxorps(d, d, d) }
  }

  package func prefetch(_ place: Place) { a.prefetcht0(memory(place)) }

  // MARK: Arithmetic

  package func combine(_ operation: VectorOperation, _ d: Vector, _ a: Vector, _ b: Operand) {
    append(instruction(operation), d, a, b)
  }

  private func instruction(_ operation: VectorOperation) -> X86.ThreeOperands {
    switch operation {
    case .add: a.vaddps
    case .subtract: a.vsubps
    case .multiply: a.vmulps
    case .divide: a.vdivps
    case .maximum: a.vmaxps
    case .minimum: a.vminps
    case .and: a.vandps
    case .xor: a.vxorps
    case .addIntegers: a.vpaddd
    case .subtractIntegers: a.vpsubd
    }
  }

  package func fuse(_ form: FusedForm, _ d: Vector, _ a: Vector, _ b: Operand) {
    let instruction =
      switch form {
      case .sum: self.a.vfmadd231ps
      case .difference: self.a.vfnmadd231ps
      case .product: self.a.vfmadd213ps
      case .negatedProduct: self.a.vfnmadd213ps
      }
    append(instruction, d, a, b)
  }

  package func squareRoot(_ d: Vector, _ s: Vector) { a.vsqrtps(register(d), register(s)) }

  package func shift(_ d: Vector, _ s: Vector, by count: Int) {
    let instruction = count >= 0 ? a.vpslld : a.vpsrad
    instruction(register(d), register(s), UInt8(abs(count)))
  }

  // MARK: Lanes

  package func permute(_ d: Vector, _ numbers: Vector, _ place: Place, where mask: LaneMask?) {
    let masking = mask.map { X86.Masking.merging(register($0)) }
    a.vpermps(register(d), register(numbers), memory(place), mask: masking)
  }

  package func spread(_ d: Vector, _ place: Place, lane: Int, ofEvery count: Int) {
    let (d, s) = (register(d), memory(place))
    switch (count, lane) {
    case (2, 0): a.vmovsldup(d, s)
    case (2, _): a.vmovshdup(d, s)
    default: a.vpermilps(d, s, UInt8(lane * 0b01_01_01_01))
    }
  }

  package func loadMask(_ d: LaneMask, _ place: Place) { a.kmovw(register(d), memory(place)) }

  package func addNeighbours(
    _ sums: [Vector], count: Int, numbers: Vector, temporaries: [Vector], table: Integer,
    scratch: Integer
  ) {
    let lanes = width.lanes
    let totals = register(numbers)
    a.lea(register(table), a.constants((0..<lanes).map { UInt32($0 * count % lanes) }))
    a.vmovups(totals, [register(table)])
    a.mov(register(scratch), 1 << (lanes / count) - 1)
    a.kmovw(truth, register(scratch).low32)
    for (index, sum) in sums.enumerated() {
      let (sum, other) = (register(sum), register(temporaries[index % temporaries.count]))
      // Each lane is added to the lane half a count away, then a quarter, and so on.
      if count > 8 { a.vshuff32x4(other, sum, sum, 0b01_00_11_10) }
      if count > 8 { a.vaddps(sum, sum, other) }
      if count > 4 { a.vshuff32x4(other, sum, sum, 0b10_11_00_01) }
      if count > 4 { a.vaddps(sum, sum, other) }
      if count > 2 { a.vpermilps(other, sum, 0b01_00_11_10) }
      if count > 2 { a.vaddps(sum, sum, other) }
      a.vmovshdup(other, sum)
      a.vaddps(sum, sum, other)
      a.vpermps(sum, totals, sum, mask: .zeroing(truth))
    }
  }
}
