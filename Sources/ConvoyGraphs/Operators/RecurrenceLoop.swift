import ConvoyTensors

/// The loops of a recurrent layer's definition.
struct RecurrenceLoop: NumberFunction {
  let layer: Recurrence
  let inputs: [Tensor]

  func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> [Tensor] {
    let shape = inputs[0].shape
    let (steps, batch) = (shape[0], shape[1])
    let hidden = shape[2] / layer.cell.gates
    var state = State<Number>(layer, inputs, hidden: hidden)
    let gates = inputs[0].known(as: type)
    let (before, cells) = (inputs[4].known(as: type), inputs[5].known(as: type))
    let lengths = inputs[6].known(as: Int64.self)
    var all = Array(repeating: Number.zero, count: steps * batch * hidden)
    var (last, lastCells): ([Number], [Number]) = ([], [])
    for sequence in 0..<batch {
      let own = sequence * hidden..<(sequence + 1) * hidden
      state.hidden = Array(before[own])
      state.cells = Array(cells[own])
      let length = Int(max(0, min(lengths[sequence], Int64(steps))))
      for index in 0..<length {
        let step = layer.isReversed ? length - 1 - index : index
        let row = step * batch + sequence
        state.advance(gates[row * shape[2]..<(row + 1) * shape[2]])
        all.replaceSubrange(row * hidden..<(row + 1) * hidden, with: state.hidden)
      }
      last += state.hidden
      lastCells += state.cells
    }
    let final: Shape = [batch, hidden]
    return [
      Tensor(known: [steps, batch, hidden], all), Tensor(known: final, last),
      Tensor(known: final, lastCells),
    ]
  }

  /// What a sequence's next step depends on.
  private struct State<Number: NumberElement> {
    let layer: Recurrence
    /// The recurrent weights, transposed: [H, G·H].
    let weights: [Number]
    let bias: [Number]
    let peepholes: [Number]
    let count: Int
    var hidden: [Number] = []
    var cells: [Number] = []

    init(_ layer: Recurrence, _ inputs: [Tensor], hidden count: Int) {
      self.layer = layer
      self.count = count
      let given = inputs[1].known(as: Number.self)
      let rows = layer.cell.gates * count
      weights = (0..<count).flatMap { column in (0..<rows).map { given[$0 * count + column] } }
      bias = inputs[2].known(as: Number.self)
      peepholes = inputs[3].known(as: Number.self)
    }

    /// Rows of the recurrent weights times some numbers, added to others.
    func adding(
      _ numbers: [Number], rows: Range<Int>, to sums: some Collection<Number>
    ) -> [Number] {
      var sums = Array(sums)
      let width = layer.cell.gates * count
      for (column, number) in numbers.enumerated() {
        let line = column * width + rows.lowerBound
        for index in sums.indices { sums[index] += weights[line + index] * number }
      }
      return sums
    }

    /// A function of a number, clipped before if the layer clips.
    func apply(_ index: Int, _ number: Number, clips: Bool = true) -> Number {
      var x: Double = number.converted(to: Double.self)
      if clips, let clip = layer.clip.map(Double.init) { x = min(max(x, -clip), clip) }
      return Number(converting: layer.functions[index](x))
    }

    mutating func advance(_ gates: ArraySlice<Number>) {
      switch layer.cell {
      case .plain:
        hidden = adding(hidden, rows: 0..<count, to: gates).map { apply(0, $0) }
      case .gru: advanceGRU(gates)
      case .lstm: advanceLSTM(gates)
      }
    }

    private mutating func advanceGRU(_ gates: ArraySlice<Number>) {
      let both = adding(hidden, rows: 0..<2 * count, to: gates.prefix(2 * count)).map {
        apply(0, $0)
      }
      let rows = 2 * count..<3 * count
      let (update, reset) = (both[..<count], both[count...])
      let given = gates.suffix(count)
      let proposed: [Number]
      if layer.resetsAfterProduct {
        let product = adding(hidden, rows: rows, to: bias)
        proposed = zip(given, zip(reset, product)).map { $0 + $1.0 * $1.1 }
      } else {
        proposed = adding(zip(reset, hidden).map { $0 * $1 }, rows: rows, to: given)
      }
      hidden = (0..<count).map { index in
        (1 - update[index]) * apply(1, proposed[index]) + update[index] * hidden[index]
      }
    }

    private mutating func advanceLSTM(_ gates: ArraySlice<Number>) {
      let sums = adding(hidden, rows: 0..<4 * count, to: gates)
      for index in 0..<count {
        let old = cells[index]
        let input = apply(0, sums[index] + peepholes[index] * old)
        let forget =
          layer.couplesGates
          ? 1 - input
          : apply(0, sums[2 * count + index] + peepholes[2 * count + index] * old)
        let cell = forget * old + input * apply(1, sums[3 * count + index])
        let output = apply(0, sums[count + index] + peepholes[count + index] * cell)
        cells[index] = cell
        hidden[index] = output * apply(2, cell, clips: false)
      }
    }
  }
}
