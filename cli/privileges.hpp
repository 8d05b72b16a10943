// What this process may do.
#pragma once

namespace davit::cli {

// Throws Error(denied) unless this is root. Whoever names the state directory himself (DAVIT_STATE_DIR) may
// look at what is there with the rights he has.
void require_root();

} // namespace davit::cli
