// An ssh agent that has some keys and does no more than list them and sign with them.
#pragma once

#include "build/ssh_key.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::build {

// A message of the agent protocol without its length → the answer's, the same. Whatever is asked has one.
std::string agent_answer(const std::vector<SshKey>& keys, std::string_view message);

// Takes the first whole message out of what has come; nothing: not all of it is there. Throws Errc::failed for one that
// is larger than agents take.
std::optional<std::string> take_message(std::string& received);
// With its length before it.
std::string framed(const std::string& message);

} // namespace davit::build
