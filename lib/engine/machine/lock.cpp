#include "engine/machine/machine.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace davit::machine {

ContainerLock::ContainerLock(Impl& impl, const std::string& key, const std::string& what, std::stop_token stop)
    : paths_(impl.store.roots(), machine_project), path_(paths_.container_lock(key)) {
    make_roots(impl.store.roots());
    lock_ = impl.wait_for(path_, what, machine_project, std::move(stop));
}

// While it is still held: who waits for it sees that the file is another one now. The directories go with the last
// command; those that a supervisor may be about to use are its own to remove.
ContainerLock::~ContainerLock() {
    ::unlink(path_.c_str());
    ::rmdir(paths_.container_locks().c_str());
    ::rmdir(paths_.state.c_str());
}

} // namespace davit::machine
