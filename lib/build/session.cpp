#include "build/session.hpp"

#include "base/error.hpp"

namespace davit::build {

void Session::check_stop() const {
    if (cancel.stop_requested()) throw error(Errc::interrupted, "cancelled");
}

} // namespace davit::build
