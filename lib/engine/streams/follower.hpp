// A blocking call in a thread of its own, and the channel that it fills.
#pragma once

#include "base/thread.hpp"
#include "engine/streams/channel.hpp"

#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

namespace davit {

template <typename T>
class Follower {
public:
    using Push = std::function<bool(T, std::size_t weight)>; // false: no more is wanted

    explicit Follower(std::function<void(const Push&, std::stop_token)> call)
        : channel_(limit), thread_(started<std::jthread>([this, call = std::move(call)](std::stop_token stop) {
              try {
                  call([this](T item, std::size_t weight) { return channel_.push(std::move(item), weight); }, stop);
                  channel_.end();
              } catch (...) {
                  channel_.end(std::current_exception());
              }
          })) {}
    ~Follower() {
        thread_.request_stop();
        channel_.leave(); // the thread ends, and is joined
    }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    Channel<T>& channel() { return channel_; }

private:
    static constexpr std::size_t limit = 256u << 10; // bytes
    Channel<T> channel_;
    std::jthread thread_; // goes first
};

} // namespace davit
