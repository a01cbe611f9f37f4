import ConvoyTensors

/// A queue between two threads that holds a limited number of elements: the producer waits while it is
/// full, the consumer while it is empty.
final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var isClosed = false
  }

  private let state = Monitor(State())
  private let capacity: Int

  /// - Parameter capacity: how many elements may wait.
  init(capacity: Int) { self.capacity = capacity }

  /// Appends, once there is room; false if the queue is closed.
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

  /// The oldest element, once there is one; nil when the queue is closed and empty.
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

  /// Lets nothing more in; what waits may still be taken.
  func close() {
    state.change { $0.isClosed = true }
  }

  private func wakeTheOther() { state.change { _ in } }
}
