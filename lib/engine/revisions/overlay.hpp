// A revision is the state of a whole project, also where a command was about some of its services.
#pragma once

#include "davit/revisions.hpp"

#include <set>
#include <string>

namespace davit {

// Pure. These services stay in `now` as `before` had them, with what they use; those that it lacked leave: they were
// never deployed.
void keep_untouched(Revision& now, const Revision& before, const std::set<std::string>& services);

} // namespace davit
