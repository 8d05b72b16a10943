#include "build/copy_files.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/locate.hpp"
#include "build/files/owner_mode.hpp"
#include "build/filters.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::build {

CopyOptions copy_options(Session& session, const dockerfile::Step& step) {
    CopyOptions out;
    out.place = step.place;
    out.make_filter = make_filter;
    out.hashes = &session.hashes;
    out.stop = session.stop();
    out.block_devices = false;
    return out;
}

void make_directory(int root, const std::string& path, const std::string& user, std::optional<std::int64_t> modified) {
    std::vector<std::string> warnings;
    std::optional<Owner> owner;
    std::vector<UniqueFd> all;
    LocateRules rules;
    rules.make = [&](int directory, const std::string& name, const std::string& made) {
        if (!owner) owner = user.empty() ? Owner{} : parse_owner(user, root, warnings);
        if (::mkdirat(directory, name.c_str(), 0755) < 0) throw sys_error(errno, "making /{}", made);
        UniqueFd fd = sys::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (::fchown(fd.get(), owner->uid, owner->gid) < 0 || ::fchmod(fd.get(), 0755) < 0)
            throw sys_error(errno, "making /{}", made);
        if (modified) all.push_back(std::move(fd));
    };
    const auto found = locate(root, path, rules);
    if (!found || (found->exists() && !found->is_directory()))
        throw error(Errc::conflict, "cannot make the working directory {}: a file stands there", path);
    if (!found->exists()) rules.make(found->parent.get(), found->name, found->path);
    // When nothing is made in them any more.
    for (const UniqueFd& one : all) {
        const timespec when{static_cast<time_t>(*modified), 0}, times[2] = {when, when};
        if (::futimens(one.get(), times) < 0) throw sys_error(errno, "setting the time of /{}", path);
    }
}

} // namespace davit::build
