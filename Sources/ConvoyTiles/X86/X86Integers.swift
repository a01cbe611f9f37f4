import ConvoyAssembler

// Integer registers, and loops.
extension X86Writer {
  package func load(_ d: Integer, _ place: Place) { a.mov(register(d), memory(place)) }

  package func store(_ place: Place, _ s: Integer) { a.mov(memory(place), register(s)) }

  package func copy(_ d: Integer, _ s: Integer) { a.mov(register(d), register(s)) }

  package func clear(_ d: Integer) { a.xor(register(d), register(d)) }

  package func point(_ d: Integer, to place: Place) { a.lea(register(d), memory(place)) }

  package func advance(_ d: Integer, by bytes: Int) { a.add(register(d), bytes) }

  package func advance(_ d: Integer, by s: Integer) { a.add(register(d), register(s)) }

  package func advance(_ d: Integer, by place: Place) { a.add(register(d), memory(place)) }

  package func advance(_ place: Place, by s: Integer) { a.add(memory(place), register(s)) }

  // MARK: Loops

  package func loop(
    _ counter: Integer, _ times: LoopTimes, isAligned: Bool, _ body: () -> Void
  ) {
    let (counter, end) = (register(counter), a.label())
    if times == .perhapsNever {
      a.test(counter, counter)
      a.je(end)
    }
    if isAligned { a.align(to: X86Writer.loopAlignment) }
    a.repeating(counter, body)
    a.place(end)
  }

  package func loop(_ counter: Place, scratch: Integer, _ body: () -> Void) {
    let (counter, scratch) = (memory(counter), register(scratch))
    let top = a.here()
    body()
    a.mov(scratch, counter)
    a.dec(scratch)
    a.mov(counter, scratch)
    a.jne(top)
  }

  package func loop(_ register: Integer, step: Int, before limit: Place, _ body: () -> Void) {
    let top = a.here()
    body()
    a.add(self.register(register), step)
    a.cmp(self.register(register), memory(limit))
    a.jne(top)
  }

  package func loop(
    _ counter: Integer, inGroupsOf size: Int, _ body: () -> Void, rest: () -> Void
  ) {
    let counter = register(counter)
    let (fewer, end) = (a.label(), a.label())
    a.sub(counter, size)
    a.jl(fewer)
    a.align(to: X86Writer.loopAlignment)
    let top = a.here()
    body()
    a.sub(counter, size)
    a.jge(top)
    a.place(fewer)
    a.add(counter, size)
    a.je(end)
    a.repeating(counter, rest)
    a.place(end)
  }

  /// The alignment of short loops: processors fetch and decode instructions in blocks of this size.
  private static let loopAlignment = 32
}
