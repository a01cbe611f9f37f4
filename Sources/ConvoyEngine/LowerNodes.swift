import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Compiler {
  /// Adds the steps that compute a node.
  mutating func lower(_ index: Int) {
    let node = scheduled[index]
    let choice = layouts.choices[index]
    let facts = layouts.facts(node)
    let inputs = zip(node.node.inputs, choice.inputs).map { place($0, as: $1) }
    if let view = choice.view {
      let buffer = program.view(view, of: inputs)
      return places[Place(value: node.outputs[0], kind: .planes)] = buffer
    }
    if choice.outputs == [.strided] {
      let layout = PlaneLayout(rowMajor: graph[node.outputs[0]].shape, channelsLast: true)
      let buffer = program.alias(of: inputs[0], as: layout)
      return places[Place(value: node.outputs[0], kind: .strided)] = buffer
    }
    let residual = node.residual.map {
      place($0, .planes, in: layouts.orders[node.outputs[0]])
    }
    let outputs = node.outputs.indices.map { output in
      let value = node.outputs[output]
      let buffer =
        shared(index, output, inputs) ?? makeBuffer(value, choice.outputs[output])
      places[Place(value: value, kind: choice.outputs[output])] = buffer
      return buffer
    }
    for buffer in outputs where !inputs.contains(buffer) {
      clearHalo(of: buffer, name: facts.name)
    }
    node.operation.lower(
      LoweringSite(node: facts, inputs: inputs, outputs: outputs, residual: residual),
      into: &program)
  }

  /// Arena memory around an image may hold values of earlier buffers.
  mutating func clearHalo(of buffer: BufferID, name: String) {
    guard let planes = program.buffers[buffer.index].planes, planes.halo != .none else { return }
    program.steps.append(
      StepDraft(name: name, reads: [], writes: [buffer]) {
        HaloClearing($0.planes(buffer), base: $0.base(buffer))
      })
  }

  /// The input's buffer that an output may reuse, if there is one.
  private func shared(_ index: Int, _ output: Int, _ inputs: [BufferID]) -> BufferID? {
    let node = scheduled[index]
    guard output < layouts.choices[index].sharing.count else { return nil }
    switch layouts.choices[index].sharing[output] {
    case .none: return nil
    case .alias(let input): return inputs[input]
    case .update(let input):
      let parameter = node.node.inputs[input]
      let isUpdate = graph.updates.contains {
        $0.parameter == parameter && $0.value == node.outputs[output]
      }
      // Constant parameters are shared by all runs, and must not change.
      guard !isFrozen, isUpdate else { return nil }
      let sharers = Set(places.filter { $0.value == inputs[input] }.keys.map(\.value))
      let isReadLater =
        scheduled[(index + 1)...].contains { !sharers.isDisjoint(with: $0.node.inputs) }
        || graph.outputs.contains { sharers.contains($0.value) }
        || graph.updates.contains { sharers.contains($0.value) }
      return isReadLater ? nil : inputs[input]
    }
  }

  /// The buffer of a value at the end of a run: a parameter's old value is copied before it
  /// changes.
  mutating func finalPlace(_ value: ValueID) -> BufferID {
    let buffer = place(value, .dense)
    let isNew = graph.updates.contains { $0.value == value }
    guard !isFrozen, program.buffers[buffer.index].base == .state, !isNew else { return buffer }
    let copy = makeBuffer(value, .dense)
    addCopy(of: value, from: buffer, to: copy)
    return copy
  }

  private mutating func addCopy(of value: ValueID, from source: BufferID, to target: BufferID) {
    let (count, type) = (graph[value].shape.elementCount, graph[value].type)
    program.steps.append(
      StepDraft(name: graph[value].name, reads: [source], writes: [target]) {
        StridedCopy(contiguous: count, of: type, from: $0.region(source), to: $0.region(target))
      })
  }

  /// Adds copies to the parameters whose new values were not written in place.
  mutating func finishUpdates() {
    guard !isFrozen else { return }
    for update in graph.updates {
      let value = place(update.value, .dense)
      guard let parameter = places[Place(value: update.parameter, kind: .dense)],
        parameter != value
      else { continue }
      addCopy(of: update.parameter, from: value, to: parameter)
    }
  }
}
