#include "base/error.hpp"

#include "base/text_code.hpp"

#include <cerrno>

namespace davit {

std::string Error::describe() const {
    std::string out;
    if (!at_.file.empty()) {
        out += at_.file;
        if (at_.line > 0) out += fmt::format(":{}", at_.line);
        if (at_.line > 0 && at_.column > 0) out += fmt::format(":{}", at_.column);
        out += ": ";
    }
    out += what();
    for (std::size_t i = 0; i < context_.size(); ++i)
        if (i == 0 || context_[i] != context_[i - 1]) out += "\n  while " + context_[i]; // two layers may say the same
    if (!hint_.empty()) out += "\n  hint: " + hint_;
    return out;
}

Error without_userinfo(const Error& e) {
    Error out(e.kind(), hide_userinfo(e.what()));
    out.with_os(e.os()).with_at(e.at()).with_resource(hide_userinfo(e.resource()));
    out.with_hint(hide_userinfo(e.hint())).with_exit_code(e.exit_code());
    for (const std::string& what : e.context()) out.with_context(hide_userinfo(what));
    return out;
}

Errc errc_of(int errnum) noexcept {
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
    case ENODEV: return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS: return Errc::denied;
    case EEXIST:
    case EADDRINUSE:
    case EBUSY: return Errc::conflict;
    case ENOSYS:
    case EOPNOTSUPP: return Errc::unsupported;
    case ECONNREFUSED:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ETIMEDOUT: return Errc::unavailable;
    case EINTR: return Errc::interrupted;
    default: return Errc::failed;
    }
}

Error make_sys_error(int errnum, std::string what) {
    std::error_code os(errnum, std::generic_category());
    Error e(errc_of(errnum), what + ": " + os.message());
    e.with_os(os);
    return e;
}

void ErrorList::throw_if_any() {
    if (errors_.empty()) return;
    Error first = errors_.front();
    for (std::size_t i = 1; i < errors_.size(); ++i) first.with_context(fmt::format("also: {}", errors_[i].what()));
    throw first;
}

} // namespace davit
