import ConvoyTensors

/// A queue between two threads, of limited length: the producer waits while it is full, the
/// consumer while it is empty.
final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var isClosed = false
  }

  private let state = Monitor(State())
  private let capacity: Int

  /// - Parameter capacity: the largest number of elements.
  init(capacity: Int) { self.capacity = capacity }

  /// Appends an element, when there is room; false if the queue is closed.
  func append(_ element: Element) -> Bool {
    var isAppended = false
    state.wait { state in
      if state.isClosed { return true }
      guard state.elements.count < capacity else { return false }
      state.elements.append(element)
      isAppended = true
      return true
    }
    wakeTheOther()
    return isAppended
  }

  /// The oldest element, when there is one; nil when the queue is closed and empty.
  func next() -> Element? {
    var element: Element?
    state.wait { state in
      if state.elements.isEmpty { return state.isClosed }
      element = state.elements.removeFirst()
      return true
    }
    wakeTheOther()
    return element
  }

  /// Refuses further elements; those in the queue can still be taken.
  func close() {
    state.change { $0.isClosed = true }
  }

  private func wakeTheOther() { state.change { _ in } }
}
