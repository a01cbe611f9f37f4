import ConvoyAssembler
import ConvoyTensors

/// The loop of elementwise kernels over stretches of pixels,
///
///     y[pixel] = f(x[pixel] ∘ z[pixel])
///
/// where ∘ is an arithmetic operation, if any, and z comes from as many pixels, or is the same for all.
/// Stretches are bands that lie a fixed distance apart: arguments are `tiles` pixels of each of `bands`
/// bands, `inputs` (x, then z), `outputs`, and the steps from the end of a band to the next one.
struct PointwiseTile: TileDescription {
  /// What is done to x before the function.
  enum Arithmetic: Hashable, Sendable {
    case none
    case add
    case subtract
    case multiply
    case divide
    /// The larger; z where they are equal or one is not a number.
    case maximum
    /// The smaller; z where they are equal or one is not a number.
    case minimum
    /// x where positive, else x · z.
    case leak
    /// (x − mean) · factor + shift: z is three pixels, the same for all x.
    case normalize
    /// f′(x) · z, of the function that else would be applied to the result.
    case derivative
  }

  let machine: Machine
  var arithmetic: Arithmetic
  /// Whether z is the same for all pixels.
  var isSecondFixed: Bool
  /// What is done to the result, or whose derivative is taken.
  var tail: TileTail

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let parts = machine.vectorsPerPlane

    // Fixed ranges of registers: pixels, numbers that are the same for all pixels, what functions need.
    let fixedCount = isSecondFixed ? (arithmetic == .normalize ? 3 : 1) * parts : 0
    let groupCount = 4
    let pixels = (0..<groupCount).map { VectorRegister($0, width) }
    let fixed = (groupCount..<groupCount + fixedCount).map { VectorRegister($0, width) }
    let free = (groupCount + fixedCount..<machine.registerCount).map { VectorRegister($0, width) }

    let arguments = rdi
    let (bands, left, first, second, output) = (rsi, rdx, r8, r9, r10)
    let constants = ConstantTable(a, width, base: rax)
    let math = VectorMath(a: a, width: width, constants: constants, arguments: arguments)

    /// Computes pixels that fill some registers.
    func compute(_ x: ArraySlice<VectorRegister>) {
      for (index, x) in x.enumerated() { a.vmovups(x, [first + index * width.rawValue]) }
      if arithmetic == .derivative { math.applyDerivative(of: tail, to: x, using: free) }
      for (index, x) in x.enumerated() {
        if isSecondFixed {
          let z = stride(from: index % parts, to: fixed.count, by: parts).map { fixed[$0] }
          combine(x, z, free[...], math)
        } else if arithmetic != .none {
          a.vmovups(free[0], [second + index * width.rawValue])
          combine(x, [free[0]], free.dropFirst(), math)
        }
      }
      if arithmetic != .derivative { tail.apply(to: x, free: free, math) }
      for (index, x) in x.enumerated() { a.vmovups([output + index * width.rawValue], x) }
      a.add(first, x.count * width.rawValue)
      if arithmetic != .none && !isSecondFixed { a.add(second, x.count * width.rawValue) }
      a.add(output, x.count * width.rawValue)
    }

    constants.load()
    a.mov(bands, [arguments + .bands])
    a.mov(first, [arguments + .inputs])
    if arithmetic != .none { a.mov(second, [arguments + .inputs + 8]) }
    a.mov(output, [arguments + .outputs])
    for (index, z) in fixed.enumerated() { a.vmovups(z, [second + index * width.rawValue]) }
    a.repeating(bands) {
      let group = groupCount / parts
      let (rest, end) = (a.label(), a.label())
      a.mov(left, [arguments + .tiles])
      a.sub(left, group)
      a.jl(rest)
      a.align(to: 32)
      let top = a.here()
      compute(pixels[...])
      a.sub(left, group)
      a.jge(top)
      a.place(rest)
      a.add(left, group)
      a.je(end)
      a.repeating(left) { compute(pixels.prefix(parts)) }
      a.place(end)
      a.add(first, [arguments + .inputBandStep])
      if arithmetic != .none && !isSecondFixed { a.add(second, [arguments + .secondBandStep]) }
      a.add(output, [arguments + .outputBandStep])
    }
    constants.lay()
    a.vzeroupper()
    a.ret()
    return a.finish("\(machine.name) pointwise \(arithmetic) \(tail)")
  }

  /// x = x ∘ z; of normalisation, z is mean, factor and shift.
  private func combine(
    _ x: VectorRegister, _ z: [VectorRegister], _ free: ArraySlice<VectorRegister>,
    _ math: VectorMath
  ) {
    let a = math.a
    switch arithmetic {
    case .none: break
    case .add: a.vaddps(x, x, z[0])
    case .subtract: a.vsubps(x, x, z[0])
    case .multiply, .derivative: a.vmulps(x, x, z[0])
    case .divide: a.vdivps(x, x, z[0])
    case .maximum: a.vmaxps(x, x, z[0])
    case .minimum: a.vminps(x, x, z[0])
    case .leak:
      let (product, mask) = (free.at(0), free.at(1))
      a.vmulps(product, x, z[0])
      math.replace(x, with: product, where: x, .lessOrEqual, math.constants[0], mask)
    case .normalize:
      a.vsubps(x, x, z[0])
      a.vfmadd213ps(x, z[1], z[2])
    }
  }
}
