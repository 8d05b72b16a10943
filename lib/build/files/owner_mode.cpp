#include "build/files/owner_mode.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/locate.hpp"

#include <charconv>
#include <fcntl.h>

namespace davit::build {

namespace {

constexpr off_t most_bytes = 16 << 20; // of passwd and group

std::optional<unsigned> number_of(std::string_view text) {
    unsigned out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (problem != std::errc{} || end != text.data() + text.size() || out > 0x7fffffffu) return std::nullopt;
    return out;
}

// "root" is known without a look: images need not have it.
std::optional<unsigned> id_of(std::string_view text) { return text == "root" ? 0 : number_of(text); }

// Of an image: whatever stands there, only a plain file of a sensible size is read.
std::string read_inside(int root, const std::string& path) {
    const auto found = locate(root, path);
    if (!found || !found->exists()) return {};
    if (!S_ISREG(found->status.st_mode) || found->status.st_size > most_bytes)
        throw error(Errc::failed,
                    "/{} of the image is no regular file of at most {} bytes: --chown cannot look up names", path,
                    most_bytes);
    std::string out(static_cast<std::size_t>(found->status.st_size), '\0');
    const UniqueFd fd = sys::reopen(found->fd.get(), O_RDONLY | O_NONBLOCK);
    std::size_t have = 0;
    while (have < out.size()) {
        const ssize_t n = ::read(fd.get(), out.data() + have, out.size() - have);
        if (n < 0) throw sys_error(errno, "reading /{} of the image", path);
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> out;
    for (;;) {
        const std::size_t colon = line.find(':');
        out.push_back(line.substr(0, colon));
        if (colon == std::string_view::npos) return out;
        line.remove_prefix(colon + 1);
    }
}

// The fields of the line that begins with the name.
std::vector<std::string> line_for(const std::string& text, std::string_view name) {
    std::string_view left = text;
    while (!left.empty()) {
        const std::size_t end = left.find('\n');
        const std::string_view line = left.substr(0, end);
        left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
        if (const auto fields = fields_of(line); fields.front() == name && fields.size() > 2)
            return {fields.begin(), fields.end()};
    }
    return {};
}

class OwnerLookup {
public:
    OwnerLookup(int root, std::vector<std::string>& warnings) : root_(root), warnings_(warnings) {}

    Owner user(const std::string& name) const {
        const auto fields = line("etc/passwd", "user", name, 0);
        Owner out;
        if (fields.size() > 3) {
            out.uid = number_of(fields[2]).value_or(0);
            out.gid = number_of(fields[3]).value_or(0);
        }
        return out;
    }

    gid_t group(const std::string& name, gid_t otherwise) const {
        const auto fields = line("etc/group", "group", name, otherwise);
        return fields.size() > 2 ? number_of(fields[2]).value_or(0) : otherwise;
    }

private:
    std::vector<std::string> line(const std::string& file, const char* kind, const std::string& name,
                                  unsigned otherwise) const {
        if (root_ < 0)
            throw error(Errc::usage, "--chown: the {} '{}' cannot be looked up: --link looks into no image", kind, name)
                .with_hint("give a number");
        auto out = line_for(read_inside(root_, file), name);
        if (out.empty())
            warnings_.push_back(fmt::format("--chown: there is no {} '{}' in /{} of the image; {} is taken", kind, name,
                                            file, otherwise));
        return out;
    }

    int root_;
    std::vector<std::string>& warnings_;
};

} // namespace

Owner parse_owner(const std::string& text, int root, std::vector<std::string>& warnings) {
    const OwnerLookup lookup(root, warnings);
    const std::size_t colon = text.find(':');
    const std::string user = text.substr(0, colon);
    Owner out;
    if (const auto number = id_of(user)) out = {*number, *number};
    else if (!user.empty()) out = lookup.user(user);
    if (colon == std::string::npos) return out;
    const std::string group = text.substr(colon + 1);
    // A group that nobody knows leaves the user's.
    if (const auto number = id_of(group)) out.gid = *number;
    else out.gid = group.empty() ? 0 : lookup.group(group, out.gid);
    return out;
}

ModeChange::ModeChange(const std::string& text) {
    const auto bad = [&] {
        return error(Errc::usage, "--chmod={}: this is no mode", text)
            .with_hint("give an octal number up to 07777, or symbols as chmod(1) takes them: u=rwX,go-w");
    };
    if (text.empty()) throw bad();
    if (text[0] >= '0' && text[0] <= '9') {
        unsigned value = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
        if (problem != std::errc{} || end != text.data() + text.size() || value > 07777) throw bad();
        octal_ = value;
        return;
    }
    std::size_t at = 0;
    for (;;) {
        Change base;
        for (; at < text.size() && std::string_view("ugoa").find(text[at]) != std::string_view::npos; ++at) {
            base.who |= text[at] == 'u' ? 0100 : text[at] == 'g' ? 0010 : text[at] == 'o' ? 0001 : 0111;
            base.all = base.all || text[at] == 'a';
        }
        if (base.who == 0) base.who = 0111, base.all = true;
        if (at == text.size() || std::string_view("+-=").find(text[at]) == std::string_view::npos) throw bad();
        while (at < text.size() && text[at] != ',') {
            Change change = base;
            if (std::string_view("+-=").find(text[at]) == std::string_view::npos) throw bad();
            change.action = text[at++];
            for (; at < text.size() && std::string_view("+-=,").find(text[at]) == std::string_view::npos; ++at) {
                switch (text[at]) {
                case 'r': change.bits |= 4; break;
                case 'w': change.bits |= 2; break;
                case 'x': change.bits |= 1; break;
                case 'X': change.execute_if_any = true; break;
                case 's': change.set_id = true; break;
                case 't': change.sticky = true; break;
                case 'u':
                case 'g':
                case 'o':
                    if (change.copy_from) throw bad();
                    change.copy_from = text[at];
                    break;
                default: throw bad();
                }
            }
            changes_.push_back(change);
        }
        if (at == text.size()) return;
        ++at; // the comma
    }
}

mode_t ModeChange::applied(const Change& change, mode_t mode, mode_t before, bool directory) {
    mode_t bits = change.bits;
    if (change.execute_if_any && (directory || (before & 0111))) bits |= 1;
    if (change.copy_from) bits |= (mode >> (change.copy_from == 'u' ? 6 : change.copy_from == 'g' ? 3 : 0)) & 7;
    mode_t value = change.who * bits; // 0110 * 6 = 0660
    if (change.set_id && (change.who & 0100)) value |= S_ISUID;
    if (change.set_id && (change.who & 0010)) value |= S_ISGID;
    if (change.sticky && change.all) value |= S_ISVTX;
    if (change.action == '+') return mode | value;
    if (change.action == '-') return mode & ~value;
    mode_t cleared = change.who * 7;
    // As chmod(1): "=" takes the special bits of files away, of directories only what is named.
    if (!directory) {
        if (change.who & 0100) cleared |= S_ISUID;
        if (change.who & 0010) cleared |= S_ISGID;
    }
    if (change.all) cleared |= S_ISVTX;
    return (mode & ~cleared) | value;
}

mode_t ModeChange::apply(mode_t mode, bool directory) const {
    if (octal_) return *octal_;
    const mode_t before = mode &= 07777;
    for (const Change& change : changes_) mode = applied(change, mode, before, directory);
    return mode;
}

} // namespace davit::build
