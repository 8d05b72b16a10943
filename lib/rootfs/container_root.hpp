// A container's file system, from outside.
//
// Nothing here uses a path of the container twice: everything goes through the descriptor of its
// root with RESOLVE_IN_ROOT. Needs root. Blocks on the disk only; any thread may call.
#pragma once

#include "base/fd.hpp"
#include "runtime/spec.hpp"

#include <string>
#include <sys/types.h>

namespace davit::rootfs {

class ContainerRoot {
public:
    // As its processes see it, volumes and binds too. init: its first process, 0 when it does not run;
    // then the root is mounted from its layers in a mount namespace of its own, where nobody sees it.
    // Throws Error(unavailable) when init has just ended.
    static ContainerRoot as_seen(const runtime::Spec& spec, pid_t init);
    // Only the image's files with the container's own changes, without anything mounted on it.
    static ContainerRoot own_files(const runtime::Spec& spec, pid_t init);

    int fd() const { return root_.get(); } // O_PATH

private:
    UniqueFd root_;
    UniqueFd namespace_; // keeps the mounts together
};

} // namespace davit::rootfs
