// Netlink by libnl-3's core: message building, batches in one send, extended-ack text in errors.
// Not thread-safe. Every call blocks for the kernel's work only (microseconds to a millisecond,
// except where a header says otherwise).
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct nl_msg;
struct nlmsghdr;

namespace davit::net {

// One message under construction. Attributes are appended in call order; nest() closes with its guard.
class Message {
public:
    // flags: NLM_F_*; NLM_F_REQUEST is implied. The payload struct is copied.
    Message(int type, int flags, const void* header, std::size_t header_size);
    template <typename Header>
    Message(int type, int flags, const Header& header) : Message(type, flags, &header, sizeof header) {}
    Message(Message&&) noexcept;
    Message& operator=(Message&&) noexcept;
    ~Message();

    Message& put(int attribute, const void* data, std::size_t size);
    Message& put(int attribute, std::string_view bytes) { return put(attribute, bytes.data(), bytes.size()); }
    Message& put_string(int attribute, std::string_view text); // NUL-terminated
    Message& put_u8(int attribute, std::uint8_t v) { return put(attribute, &v, sizeof v); }
    Message& put_u16(int attribute, std::uint16_t v) { return put(attribute, &v, sizeof v); }
    Message& put_u32(int attribute, std::uint32_t v) { return put(attribute, &v, sizeof v); }
    Message& put_be32(int attribute, std::uint32_t v);
    Message& put_be64(int attribute, std::uint64_t v);
    // Raw payload without an attribute header (the ifinfomsg inside VETH_INFO_PEER).
    Message& put_raw(const void* data, std::size_t size);

    class Nest {
    public:
        Nest(Message& m, int attribute);
        ~Nest();
        Nest(const Nest&) = delete;

    private:
        Message& message_;
        std::size_t start_;
    };
    [[nodiscard]] Nest nest(int attribute) { return Nest(*this, attribute); }

    const nlmsghdr* header() const;
    std::string_view bytes() const; // the whole message, padded
    // What to call this message in an error: "adding address 10.1.0.2/24 to eth0"
    std::string what;

private:
    nlmsghdr* hdr();
    nl_msg* msg_ = nullptr;
};

class NetlinkSocket {
public:
    // protocol: NETLINK_ROUTE, NETLINK_NETFILTER … in the namespace the caller is in.
    explicit NetlinkSocket(int protocol);
    // In the namespace of the fd; the caller's thread is back in its own afterwards.
    NetlinkSocket(int protocol, int netns_fd);
    NetlinkSocket(NetlinkSocket&&) noexcept;
    NetlinkSocket& operator=(NetlinkSocket&&) noexcept;
    ~NetlinkSocket();

    int fd() const;
    // Of the socket's own namespace; 0: no such link. Takes no lock of the kernel's, unlike RTM_GETLINK.
    int link_index(const std::string& name) const;
    // One request, one acknowledgement. Throws with the kernel's text ("what: text: errno").
    void request(Message message);
    // As few sends as the answers fit into, all acknowledgements awaited; the first failure is thrown. Later
    // messages were still tried by the kernel: undo is the caller's.
    void request_all(std::vector<Message> messages);
    // As request, but gives errno (0: done) instead of throwing for the given ones.
    int request_allowing(Message message, std::initializer_list<int> allowed);
    // NLM_F_DUMP; fn sees each answer. Retried whole when the kernel says that it was interrupted.
    void dump(const Message& message, const std::function<void(const nlmsghdr*)>& fn,
              const std::function<void()>& restart = {});
    // A request that is answered by one message (RTM_GETLINK by name); false when errno is in allowed.
    bool query(Message message, const std::function<void(const nlmsghdr*)>& fn,
               std::initializer_list<int> allowed = {});
    // A transaction of nf_tables: the messages between BATCH_BEGIN and BATCH_END, all or nothing.
    // Gives 0, or the errno of the first message that failed, with its place and the kernel's text.
    struct BatchFailure {
        int errnum = 0;
        std::size_t index = 0; // of the message; messages.size(): the transaction as a whole
        std::string text;
    };
    BatchFailure transact(const std::vector<Message>& messages);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

const void* payload_of(const nlmsghdr* message);
// The family header of a received message (ifinfomsg, ifaddrmsg …).
template <typename Header>
const Header& header_of(const nlmsghdr* message) {
    return *static_cast<const Header*>(payload_of(message));
}

// Attributes of a received message: index by number, null when absent.
class Attributes {
public:
    // Of a message after its family header of header_size bytes.
    Attributes(const nlmsghdr* message, std::size_t header_size);
    Attributes(const void* data, std::size_t size);

    bool has(int attribute) const { return find(attribute).data() != nullptr; }
    std::string_view find(int attribute) const; // payload; data() is null when it is absent
    std::string text(int attribute) const;      // without the NUL
    std::uint32_t u32(int attribute, std::uint32_t otherwise = 0) const;
    std::uint32_t be32(int attribute, std::uint32_t otherwise = 0) const;
    std::uint64_t be64(int attribute, std::uint64_t otherwise = 0) const;
    std::uint8_t u8(int attribute, std::uint8_t otherwise = 0) const;
    Attributes nested(int attribute) const;
    // Each attribute in order (lists).
    void each(const std::function<void(int attribute, std::string_view payload)>& fn) const;

private:
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace davit::net
