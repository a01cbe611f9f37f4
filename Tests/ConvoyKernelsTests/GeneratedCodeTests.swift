import ConvoyAssembler
import ConvoyTensors
import ConvoyTiles
import Testing

@testable import ConvoyKernels

/// What generated kernels promise their callers, and how machines are chosen.
@Suite struct GeneratedCodeTests {
  /// The registers that the System V convention preserves for the caller.
  static let preserved = [X86.rbx, X86.rbp, X86.r12, X86.r13, X86.r14, X86.r15]

  /// A function that calls another with its own argument, and counts which preserved registers that one
  /// changed.
  static func witness(of address: UnsafeRawPointer) -> MachineCode {
    let a = X86.Assembler()
    a.preserving(preserved + [X86.rdi]) {
      for (index, register) in preserved.enumerated() { a.mov(register, 1000 + index) }
      a.mov(X86.rax, Int(bitPattern: address))
      a.call(X86.rax)
      a.mov(X86.rax, 0)
      for (index, register) in preserved.enumerated() {
        let isSame = a.label()
        a.cmp(register, 1000 + index)
        a.je(isSame)
        a.inc(X86.rax)
        a.place(isSame)
      }
    }
    a.ret()
    return a.finish("witness")
  }

  private func changedRegisters(
    _ description: some TileDescription, vectorBytes: Int = 64
  ) throws -> Int {
    let code = try ExecutableMemory([description.generate()])
    let witness = try ExecutableMemory([Self.witness(of: code.address())])
    let pixels = [Float](repeating: 0, count: 4096)
    let function = witness.function(as: (@convention(c) (UnsafeMutableRawPointer) -> Int).self)
    return pixels.withUnsafeBufferPointer { pixels in
      let output = UnsafeMutablePointer<Float>.allocate(capacity: 4096)
      defer { output.deallocate() }
      return TileArguments<LaneField>.with { arguments in
        arguments.set(.tiles, 1)
        for row in 0..<4 { arguments.set(.inputs, at: row, pixels.baseAddress!) }
        for place in 0..<16 { arguments.set(.outputs, at: place, output) }
        // No steps: sums are the bias.
        let ofDense = arguments.arguments(of: DenseField.self)
        ofDense.set(.steps, 0)
        ofDense.set(.weightPitch, 0)
        ofDense.set(.weights, pixels.baseAddress!)
        // The fields of lanes have those of pooling and elementwise loops in the same places.
        arguments.set(.bands, 1)
        arguments.set(.inputBandStep, 0)
        arguments.set(.outputBandStep, 0)
        arguments.set(.startOfSums, pixels.baseAddress!)
        arguments.set(.firstVector, 0)
        arguments.set(.endOfVectors, vectorBytes)
        return withExtendedLifetime((code, witness)) { function(arguments.base) }
      }
    }
  }

  @Test(arguments: GeneratedConvolutionTests.machines)
  func registersOfTheCallerAreKept(_ machine: Machine) throws {
    for rows in 1...4 {
      let broadcast = DenseTile(
        unit: machine.unit, rows: rows, columns: 1, planes: 1, inputStep: 64, outputStep: 64,
        activation: .relu)
      #expect(try changedRegisters(broadcast) == 0, "\(rows) rows")
    }
    if machine.foldsPlanes {
      for factor in [2, 4, 8, 16] {
        let folded = DenseTile(
          unit: machine.unit, rows: 4, columns: 7, planes: 1, inputStep: 64, outputStep: 64,
          factor: factor, activation: .relu)
        #expect(try changedRegisters(folded) == 0, "factor \(factor)")
      }
    }
    let mostSources = machine.hasMasks ? LaneReading.maximalSources : 1
    for sources in 1...mostSources {
      let geometry = LaneGeometry(
        rows: 2, columns: 3, taps: [.zero, Extents(0, 1, 1)], rowStep: 1, columnStep: 1,
        access: .permuted(sources: sources))
      let lanes = LaneTile(
        unit: machine.unit, geometry, outputStep: 64, isSingleStep: false, activation: .clip)
      let changed = try changedRegisters(lanes, vectorBytes: machine.vectorWidth * 4)
      #expect(changed == 0, "\(sources) sources")
    }
  }

  /// The witness must notice.
  @Test(.enabled(if: !GeneratedConvolutionTests.machines.isEmpty))
  func witnessNoticesChanges() throws {
    let a = X86.Assembler()
    a.mov(X86.rbx, 1)
    a.mov(X86.r15, 2)
    a.ret()
    let code = try ExecutableMemory([a.finish("careless")])
    let witness = try ExecutableMemory([Self.witness(of: code.address())])
    let function = witness.function(as: (@convention(c) (Int) -> Int).self)
    #expect(withExtendedLifetime((code, witness)) { function(0) } == 2)
  }

  @Test func machineIsChosenByName() {
    let machines = [Machine.portable, .avx2(CacheSizes()), .avx512(CacheSizes())]
    for name in [nil, "", "avx512"] {
      let (machine, notice) = Machine.choose(name, from: machines)
      #expect(machine.name == "avx512")
      #expect(notice == nil)
    }
    #expect(Machine.choose("portable", from: machines).0.name == "portable")
    #expect(Machine.choose("avx2", from: machines).notice == nil)
    // What the processor lacks, and what nobody knows: the best there is, and a sentence.
    let (lacking, lackingNotice) = Machine.choose("avx512", from: Array(machines.dropLast()))
    #expect(lacking.name == "avx2")
    #expect(lackingNotice?.contains("avx512") == true)
    let (unknown, unknownNotice) = Machine.choose("sse", from: machines)
    #expect(unknown.name == "avx512")
    #expect(unknownNotice?.contains("sse") == true)
  }

  /// Panels cover every plane once, in order, and no tile is larger than the registers.
  @Test(arguments: GeneratedConvolutionTests.machines) func panelsCover(_ machine: Machine) {
    var random = Random(seed: 35)
    for _ in 0..<300 {
      let (rows, columns) = (1 + random.below(60), 1 + random.below(60))
      let planes = 1 + random.below(40)
      let cut = DensePanels(rows: rows, columns: columns, planes: planes, machine: machine)
      var next = 0
      for panel in cut.panels {
        #expect(panel.planes.lowerBound == next)
        next = panel.planes.upperBound
        let tile = machine.denseTiles.first { $0.planes == panel.planes.count }
        #expect(panel.rows * panel.columns <= tile?.pixels ?? 0)
        #expect(panel.rows <= rows && panel.columns <= columns)
      }
      #expect(next == planes)
    }
  }

  /// Kernels of the same description share their code.
  @Test(arguments: GeneratedConvolutionTests.machines) func codeIsShared(_ machine: Machine) {
    func pointer(_ activation: ActivationKind) -> Int? {
      let tile = DenseTile(
        unit: machine.unit, rows: 1, columns: 2, planes: 1, inputStep: 64, outputStep: 128,
        activation: activation)
      return TileKernels.function(tile).map { unsafeBitCast($0.pointer, to: Int.self) }
    }
    #expect(pointer(.none) != nil)
    #expect(pointer(.none) == pointer(.none))
    #expect(pointer(.none) != pointer(.relu))
  }
}
