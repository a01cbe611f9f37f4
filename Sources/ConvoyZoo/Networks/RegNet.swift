import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// RegNetX-400MF, with torchvision's names of parameters.
  static let regNetX400MF = regNet(
    "regnet-x-400mf", summary: "RegNetX-400MF: bottlenecks in groups of 16, from a design space",
    depths: [1, 2, 7, 12], widths: [32, 64, 160, 400], groupWidth: 16, isExcited: false)

  /// RegNetY-400MF, with torchvision's names of parameters.
  static let regNetY400MF = regNet(
    "regnet-y-400mf", summary: "RegNetY-400MF: groups of 8, with squeeze and excitation",
    depths: [1, 3, 6, 6], widths: [48, 104, 208, 440], groupWidth: 8, isExcited: true)

  /// An entry of the family.
  ///
  /// - Parameters:
  ///   - depths: the number of blocks in each stage; the paper's d.
  ///   - widths: the channels of each stage; the paper's w.
  ///   - groupWidth: the channels of each group; the paper's g.
  private static func regNet(
    _ name: String, summary: String, depths: [Int], widths: [Int], groupWidth: Int,
    isExcited: Bool
  ) -> ZooEntry {
    ZooEntry(
      name, summary: summary,
      source: """
        Radosavovic, Kosaraju, Girshick, He and Dollár, "Designing Network Design Spaces", 2020
        """,
      attributes: [.classes(default: 1000), .size(1...2048, default: 224)]
    ) { (settings) throws(ConvoyError) in
      let size = settings["size"]
      return try Network(input: [3, size, size]) { image in
        var maps = image.scope("stem") {
          $0.normalizedConvolution(32, kernel: 3, stride: 2, activation: .relu)
        }
        for (stage, (depth, width)) in zip(1..., zip(depths, widths)) {
          for index in 0..<depth {
            maps = maps.block(
              width, stride: index == 0 ? 2 : 1, groups: width / groupWidth, isExcited: isExcited,
              name: "trunk_output.block\(stage).block\(stage)-\(index)")
          }
        }
        return maps.pooledFeatures().linear(settings["classes"], name: "fc")
      }
    }
  }
}

extension Value {
  /// 1×1, 3×3 in groups and 1×1 convolutions, all with the channels of the output; added to the
  /// input, which is projected if its shape differs.
  fileprivate func block(
    _ width: Int, stride: Int, groups: Int, isExcited: Bool, name: String
  ) -> Value {
    scope(name) { maps in
      let inputs = maps.shape.channels
      let shortcut =
        stride == 1 && inputs == width
        ? maps
        : maps.scope("proj") {
          $0.normalizedConvolution(width, kernel: 1, stride: stride, activation: nil)
        }
      let branch = maps.scope("f") { maps in
        var branch =
          maps
          .scope("a") { $0.normalizedConvolution(width, kernel: 1, activation: .relu) }
          .scope("b") {
            $0.normalizedConvolution(
              width, kernel: 3, stride: stride, groups: groups, activation: .relu)
          }
        if isExcited {
          // A quarter of the block's input channels, rounded as Python does: halves to even.
          let squeezed = Int((Double(inputs) / 4).rounded(.toNearestOrEven))
          branch = branch.excited(through: squeezed, activation: .relu, name: "se")
        }
        return branch.scope("c") { $0.normalizedConvolution(width, kernel: 1, activation: nil) }
      }
      return (branch + shortcut).relu()
    }
  }
}
