#if compiler(>=6.2) && canImport(Glibc) && arch(x86_64)
  import ConvoyTensors
  import Glibc
  import Testing

  @testable import ConvoyKernels

  /// What happens where the system gives no memory for code: portable kernels serve, and one sentence
  /// says so. Each test is a process of its own, since a process decides this once.
  @Suite(.enabled(if: !GeneratedConvolutionTests.machines.isEmpty))
  struct RefusedMemoryTests {
    @Test func processesThatMayNotGenerateCodeArePortable() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        let (test, want) = Self.example()
        Self.withoutNewMemory { _ = Machine.current }
        #expect(Machine.current.name == "portable")
        #expect(Machine.available.map(\.name) == ["portable"])
        let kernel = test.kernel(.current, nil)
        #expect(kernel.name.hasPrefix("portable"))
        #expect(Self.bits(test.run(kernel)) == want)
      }
      let notices = try Self.notices(#require(result))
      #expect(notices.count == 1)
      #expect(notices.first?.contains("portable kernels") == true)
    }

    /// The machine was chosen while there was memory; then kernels are refused theirs.
    @Test func kernelsThatAreRefusedMemoryArePortable() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        let (test, want) = Self.example()
        #expect(Machine.current.name != "portable")
        for _ in 0..<3 {
          var kernel: ProblemCase.Prepared?
          Self.withoutNewMemory { kernel = test.kernel(.current, nil) }
          let made = try #require(kernel)
          #expect(made.name.hasPrefix("portable"))
          #expect(Self.bits(test.run(made)) == want)
        }
        var plan: ConvolutionPlan?
        Self.withoutNewMemory { plan = test.plan(.current, nil) }
        let said = try #require(plan).decision.candidates.map(\.verdict)
        #expect(said.contains(.refused(Refusal.noMemoryForCode.reason)), "\(said)")
        // The refusal is not remembered.
        #expect(test.kernel(.current, nil).name.hasPrefix(Machine.current.name))
      }
      let notices = try Self.notices(#require(result))
      #expect(notices.count == 1)
      #expect(notices.first?.contains("slower kernel") == true)
    }

    /// A problem, and the bits that the portable kernel computes.
    private static func example() -> (ProblemCase, [UInt32]) {
      var random = Random(seed: 95)
      let test = ProblemCase.random(32, 32, 8, &random)
      return (test, bits(test.run(test.kernel(.portable, nil))))
    }

    private static func bits(_ numbers: [Float]) -> [UInt32] { numbers.map(\.bitPattern) }

    private static func notices(_ result: ExitTest.Result) -> [Substring] {
      String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n")
        .filter { $0.hasPrefix("convoy: ") }
    }

    /// Runs a body while the system maps nothing new; what the body allocates comes from the heap, which is
    /// given room beforehand.
    private static func withoutNewMemory(_ body: () -> Void) {
      let room = (0..<8192).map { _ in malloc(1000) }
      // The last stays, and with it the heap's end.
      for block in room.dropLast() { free(block) }
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      var none = rlimit(rlim_cur: 0, rlim_max: limit.rlim_max)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &none)
      body()
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      free(room.last ?? nil)
    }
  }
#endif
