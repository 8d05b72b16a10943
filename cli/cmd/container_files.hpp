// What cp, export and commit share: the containers of a service.
#pragma once

#include "cli/context.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::cli {

// The containers of a service whether they run or not; index 0: all.
// Throws Error(not_found) `no container found for service "x"`.
std::vector<ContainerInfo> containers_for_files(Context& context, const std::string& service, int index,
                                                bool oneoffs = false);

// "shop-web-1 Copying a to shop-web-1:/tmp", and the same with what it is once fn has done it; a dry run has nothing
// done.
struct FileWords {
    const char* doing;
    std::string done;
    std::string details;
};
void told_of(Context& context, const ContainerInfo& container, FileWords words,
             const std::function<void(FileWords&)>& fn);

} // namespace davit::cli
