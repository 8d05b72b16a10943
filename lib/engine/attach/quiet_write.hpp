// Writing where nobody may read any more. A library leaves its program's signal dispositions alone: the SIGPIPE of a
// write is taken back before anybody sees it.
#pragma once

#include <string_view>
#include <sys/types.h>

namespace davit {

// As write(2).
ssize_t write_quietly(int fd, std::string_view bytes);
// Blocks until all is written, whether or not the descriptor is non-blocking. false: nobody reads.
bool write_all_quietly(int fd, std::string_view bytes);

} // namespace davit
