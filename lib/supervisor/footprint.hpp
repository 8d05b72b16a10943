// What a supervisor that waits keeps in memory.
#pragma once

namespace davit::supervisor {

// Gives back what the last plan took: free pages of the heap, and the pages of code that are mapped only because it
// ran (clean, in the page cache, shared with whoever runs it too). What runs again is mapped again at its first
// fault, sixteen pages at a time (fault_around_bytes). Takes well under a millisecond.
void shrink_footprint();

} // namespace davit::supervisor
