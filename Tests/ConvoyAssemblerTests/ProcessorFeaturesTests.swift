import Foundation
import Testing

@testable import ConvoyAssembler

@Suite struct ProcessorFeaturesTests {
  #if arch(x86_64)
    @Test func familyAndModelAreTheDisplayedOnes() {
      // Skylake-X, Zen 4 and a Pentium, from the makers' lists.
      #expect(ProcessorFeatures.familyAndModel(0x0005_0654) == (6, 0x55))
      #expect(ProcessorFeatures.familyAndModel(0x00A6_0F12) == (0x19, 0x61))
      #expect(ProcessorFeatures.familyAndModel(0x0000_0525) == (5, 2))
    }
  #else
    @Test func nothingIsKnownElsewhere() {
      #expect(ProcessorFeatures.current == ProcessorFeatures())
    }
  #endif

  #if os(Linux) && arch(x86_64)
    private static let names: [(InstructionSets, String)] = [
      (.avx, "avx"), (.avx2, "avx2"), (.fma, "fma"), (.avx512F, "avx512f"),
      (.avx512BW, "avx512bw"), (.avx512DQ, "avx512dq"), (.avx512VL, "avx512vl"),
      (.avx512VNNI, "avx512_vnni"), (.avx512BF16, "avx512_bf16"),
    ]

    @Test func agreesWithTheKernel() throws {
      var fields: [String: String] = [:]
      for line in linesOfKernelFile("/proc/cpuinfo") {
        let parts = line.split(separator: ":", maxSplits: 1).map {
          $0.trimmingCharacters(in: .whitespaces)
        }
        if parts.count == 2 && fields[parts[0]] == nil { fields[parts[0]] = parts[1] }
      }
      let flags = Set(try #require(fields["flags"]).split(separator: " ").map(String.init))
      let features = ProcessorFeatures.current
      for (set, name) in Self.names {
        #expect(features.instructions.contains(set) == flags.contains(name), "\(name)")
      }
      #expect(features.vendor == fields["vendor_id"])
      #expect(features.family == fields["cpu family"].flatMap { Int($0) })
      #expect(features.model == fields["model"].flatMap { Int($0) })
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: caches))) func cachesAgree() throws {
      var expected = CacheSizes()
      for index in 0..<8 {
        func read(_ name: String) -> String? {
          (try? String(contentsOfFile: "\(Self.caches)/index\(index)/\(name)", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard let size = read("size").flatMap({ Int($0.dropLast()) }) else { continue }
        switch (read("level"), read("type")) {
        case ("1", "Data"): expected.level1Data = size << 10
        case ("2", _): expected.level2 = size << 10
        case ("3", _): expected.level3 = size << 10
        default: break
        }
      }
      #expect(ProcessorFeatures.current.caches == expected)
    }

    private static let caches = "/sys/devices/system/cpu/cpu0/cache"
  #endif
}
