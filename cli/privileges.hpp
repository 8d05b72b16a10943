// What this process may do.
#pragma once

namespace davit::cli {

// What comes before an Engine. Throws Error(unsupported) when an engine elsewhere is asked for (cli/endpoint.hpp), and
// Error(denied) unless this is root. Whoever names the state directory himself (DAVIT_STATE_DIR) may
// look at what is there with the rights he has.
void require_root();

} // namespace davit::cli
