// One build on its way into the history: davit/build_history.hpp.
#pragma once

#include "davit/build_history.hpp"

#include <string>

namespace davit {

class BuildRecorder {
public:
    // directory: Roots::builds().
    BuildRecorder(std::string directory, const BuildRequest& request);
    void see(const BuildEvent& event);
    // Written down; that it cannot be is no fault of the build.
    void completed(const BuildResult& result);
    void failed(const Error& error);

private:
    void write();
    std::string directory_;
    BuildRecord record_;
    std::string events_; // a line each
    bool wanted_;
};

} // namespace davit
