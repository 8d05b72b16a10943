// Who holds a lock: for the message of those who wait.
#pragma once

#include <string>
#include <sys/types.h>

namespace davit {

// "davit up -d (pid 4711)"; "another process" when the kernel does not tell (/proc/locks: it runs in another
// pid namespace, or the file system has no device of its own). Never throws.
std::string lock_holder(int locked_elsewhere_fd);

// 0 where the kernel does not tell. Never throws.
pid_t lock_holder_pid(int locked_elsewhere_fd);

// The same from the text of /proc/locks. Empty: nobody.
std::string holder_pid(const std::string& proc_locks, unsigned major, unsigned minor, unsigned long inode);

} // namespace davit
