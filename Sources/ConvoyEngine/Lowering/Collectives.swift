import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension CollectiveOperator {
  /// The communicator of the axis.
  func communicator(_ site: LoweringSite) -> any Communicator {
    guard let communicator = site.communicators[axis] else {
      preconditionFailure("Compiling refuses operators without a communicator.")
    }
    return communicator
  }

  /// The exchange of an operator that sends something.
  func collective(_ site: LoweringSite) -> Collective {
    guard let collective = collective(inputs: site.inputShapes, outputs: site.outputShapes) else {
      preconditionFailure("\(Self.name) sends nothing.")
    }
    return collective
  }

  /// Exchanges the only input, unchanged, for the only output.
  fileprivate func exchange(_ site: LoweringSite, in program: inout Program) {
    let (collective, communicator) = (collective(site), communicator(site))
    program.step(site) {
      CollectiveExchange(
        collective, communicator, tag: site.tag, from: $0.region(site.inputs[0]),
        to: $0.region(site.outputs[0]))
    }
  }

  /// Row-major tensors throughout: ranks do not know each other's layouts.
  fileprivate func rowMajor(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }
}

extension LoweringSite {
  /// A tag of no other exchange of the program.
  ///
  /// Every rank's program has the same number of buffers before it, or at least the same order of
  /// exchanges.
  var tag: Int { outputs[0].index }
}

extension AllReduce: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { rowMajor(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    exchange(site, in: &program)
  }
}

extension Broadcast: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { rowMajor(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    exchange(site, in: &program)
  }
}

extension Replicated: Lowerable {
  /// The input, in place.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(
      inputs: [.init(kind: site.leadingKind, order: .any(preferred: nil))],
      outputs: [site.leadingKind], outputOrders: [site.inputOrders.first ?? nil],
      sharing: [.alias(input: 0)])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {}
}

extension RankShare: Lowerable {
  /// A slice; a view if it takes channels of planes.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    slice(of: site.inputShapes[0]).layouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    slice(of: site.inputShapes[0]).lower(site, into: &program)
  }
}

/// The division of a row-major tensor along a dimension into shares, one for each rank.
private struct Shares {
  /// The extents of a share: everything before the dimension, and a share with everything after it.
  let extents: [Int]
  let ranks: Int

  init(of whole: Shape, along dimension: Int, ranks: Int) {
    let before = whole.dimensions[..<dimension].reduce(1, *)
    let after = whole.dimensions[dimension...].reduce(1, *)
    extents = [before, after / ranks]
    self.ranks = ranks
  }

  /// The elements of a share.
  var count: Int { extents[0] * extents[1] }

  /// The strides between a tensor and its shares in sequence: of a rank, of everything before the
  /// dimension, and of an element.
  var extentsByRank: [Int] { [ranks] + extents }
  var wholeStrides: [Int] { [extents[1], ranks * extents[1], 1] }
  var shareStrides: [Int] { [count, extents[1], 1] }
  /// Whether the shares of a tensor are contiguous in it.
  var areContiguous: Bool { extents[0] == 1 }
}

extension AllGather: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { rowMajor(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (collective, communicator) = (collective(site), communicator(site))
    let (input, output) = (site.inputs[0], site.outputs[0])
    let shares = Shares(of: site.outputShapes[0], along: dimension, ranks: ranks)
    let gathered = shares.areContiguous ? output : program.arena(count: shares.count * ranks)
    program.step(site, writes: [gathered]) {
      CollectiveExchange(
        collective, communicator, tag: site.tag, from: $0.region(input),
        to: $0.region(gathered))
    }
    guard !shares.areContiguous else { return }
    program.step(site, reads: [gathered]) {
      StridedCopy(
        shares.extentsByRank, from: $0.region(gathered), strides: shares.shareStrides,
        to: $0.region(output), strides: shares.wholeStrides)
    }
  }
}

extension ReduceScatter: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { rowMajor(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (collective, communicator) = (collective(site), communicator(site))
    let (input, output) = (site.inputs[0], site.outputs[0])
    let shares = Shares(of: site.inputShapes[0], along: dimension, ranks: ranks)
    let cut = shares.areContiguous ? input : program.arena(count: shares.count * ranks)
    if !shares.areContiguous {
      program.step(site, writes: [cut]) {
        StridedCopy(
          shares.extentsByRank, from: $0.region(input), strides: shares.wholeStrides,
          to: $0.region(cut), strides: shares.shareStrides)
      }
    }
    program.step(site, reads: [cut]) {
      CollectiveExchange(
        collective, communicator, tag: site.tag, from: $0.region(cut),
        to: $0.region(output))
    }
  }
}

extension AllReduceBegin: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { rowMajor(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (collective, communicator) = (collective(site), communicator(site))
    let output = site.outputs[0]
    var start = 0
    for (input, shape) in zip(site.inputs, site.inputShapes) {
      let offset = start
      program.step(site, reads: [input]) {
        StridedCopy(
          contiguous: shape.elementCount, from: $0.region(input),
          to: $0.region(output).moved(by: offset))
      }
      start += shape.elementCount
    }
    program.step(site, reads: [output]) {
      CollectiveBegin(
        collective, communicator, tag: site.tag, in: $0.region(output))
    }
  }
}

extension AllReduceEnd: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { rowMajor(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let communicator = communicator(site)
    let sums = site.inputs[0]
    program.step(site, writes: [sums]) { _ in CollectiveEnd(communicator, tag: sums.index) }
    let factor = 1 / Float(ranks)
    var start = 0
    for (output, shape) in zip(site.outputs, site.outputShapes) {
      let offset = start
      program.step(site, writes: [output]) {
        ScaledCopy(
          count: shape.elementCount, by: factor, from: $0.region(sums).moved(by: offset),
          to: $0.region(output))
      }
      start += shape.elementCount
    }
  }
}
