import Synchronization

/// A queue between two threads that holds a limited number of elements: the producer waits while it is
/// full, the consumer while it is empty.
package final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  private let gate = Gate()
  private let capacity: Int

  /// - Parameter capacity: how many elements may wait.
  package init(capacity: Int) { self.capacity = capacity }

  /// Appends, once there is room; false if the queue is closed.
  package func append(_ element: Element) -> Bool {
    var isAppended = false
    gate.wait {
      state.withLock { state in
        if state.isClosed { return true }
        guard state.elements.count < capacity else { return false }
        state.elements.append(element)
        isAppended = true
        return true
      }
    }
    gate.open()
    return isAppended
  }

  /// The oldest element, once there is one; nil when the queue is closed and empty.
  package func next() -> Element? {
    var element: Element?
    gate.wait {
      state.withLock { state in
        if state.elements.isEmpty { return state.isClosed }
        element = state.elements.removeFirst()
        return true
      }
    }
    gate.open()
    return element
  }

  /// Lets nothing more in; what waits may still be taken.
  package func close() {
    state.withLock { $0.isClosed = true }
    gate.open()
  }
}
